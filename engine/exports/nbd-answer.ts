/** What the NBD server does with each command. Texts and chunking are those of QEMU 7.2. */
import type { BlockStatus } from '../block/driver.ts'
import { COMMAND, COMMAND_FLAG } from '../nbd/constants.ts'
import type { Negotiated } from '../nbd/handshake-server.ts'
import { MAX_STATUS_EXTENTS } from '../nbd/limits.ts'
import type { MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { ClientFailed } from './nbd-failure.ts'
import { inSteps } from './steps.ts'
import type { NbdExport } from './nbd-export.ts'
import type { ExportedIo } from './meta-context.ts'
import type { ReplyWriter, StatusReply } from './nbd-replies.ts'
import type { NbdRequest } from './nbd-request.ts'

/** How much of what nobody looks at is read at once. */
const MAX_SCRATCH_BYTES = 2 ** 20

/** Carries out one request and replies. @throws {ClientFailed} when the client must go. */
export async function answer(
  request: NbdRequest,
  negotiated: Negotiated<NbdExport>,
  writer: ReplyWriter,
): Promise<void> {
  const { user, writethrough } = negotiated.export
  const { cookie, offset, bytes, flags } = request
  const fua = writethrough || (flags & COMMAND_FLAG.fua) !== 0
  const done = (what: string, work: () => MaybePromise<void>): Promise<void> =>
    replyDone(writer, cookie, what, work)
  switch (request.type) {
    case COMMAND.read:
      return answerRead(request, negotiated, writer)
    case COMMAND.write:
      return done('writing to file failed', () => user.write(offset, request.data, { fua }))
    case COMMAND.writeZeroes:
      return done('writing to file failed', () =>
        inSteps(bytes, (at, count) =>
          user.zero(offset + at, count, {
            fua,
            mayUnmap: (flags & COMMAND_FLAG.noHole) === 0,
            noFallback: (flags & COMMAND_FLAG.fastZero) !== 0,
          }),
        ),
      )
    case COMMAND.trim:
      return done('discard failed', async () => {
        await inSteps(bytes, (at, count) => user.discard(offset + at, count))
        if ((flags & COMMAND_FLAG.fua) !== 0) await user.flush()
      })
    case COMMAND.flush:
      return done('flush failed', () => user.flush())
    case COMMAND.cache:
      // As QEMU, which takes it for a wish to have the data in the topmost image.
      return done('caching data failed', () => copyUp(user, offset, bytes))
    case COMMAND.blockStatus:
      return answerStatus(request, negotiated, writer)
    default:
      return writer.error(
        cookie,
        'EINVAL',
        `invalid request type (${String(request.type)}) received`,
      )
  }
}

async function copyUp(user: ExportedIo, offset: number, bytes: number): Promise<void> {
  const scratch = new Uint8Array(Math.min(bytes, MAX_SCRATCH_BYTES))
  let done = 0
  // Once for nothing as well, as QEMU does: that copies the cluster around it.
  do {
    const into = scratch.subarray(0, Math.min(scratch.length, bytes - done))
    await user.read(offset + done, into, { copyOnRead: true, prefetch: true })
    done += into.length
  } while (done < bytes)
}

async function replyDone(
  writer: ReplyWriter,
  cookie: bigint,
  failure: string,
  work: () => MaybePromise<void>,
): Promise<void> {
  try {
    await work()
  } catch (error) {
    await writer.error(cookie, expected(error).errno, failure)
    return
  }
  await writer.done(cookie)
}

async function answerRead(
  { cookie, flags, offset, bytes }: NbdRequest,
  { export: { user }, structured }: Negotiated<NbdExport>,
  writer: ReplyWriter,
): Promise<void> {
  if ((flags & COMMAND_FLAG.fua) !== 0) {
    try {
      await user.flush()
    } catch (error) {
      return writer.error(cookie, expected(error).errno, 'flush failed')
    }
  }
  if (structured && (flags & COMMAND_FLAG.df) === 0 && bytes > 0) {
    return readInChunks(user, cookie, offset, bytes, writer)
  }
  const data = new Uint8Array(bytes)
  try {
    await user.read(offset, data)
  } catch (error) {
    return writer.error(cookie, expected(error).errno, 'reading from file failed')
  }
  return writer.data(cookie, offset, data)
}

/** A chunk for each run of one status; runs that read as zeroes go without their data. */
async function readInChunks(
  user: ExportedIo,
  cookie: bigint,
  offset: number,
  bytes: number,
  writer: ReplyWriter,
): Promise<void> {
  for (let done = 0; done < bytes;) {
    const at = offset + done
    let run: BlockStatus
    try {
      run = await user.statusAbove(at, bytes - done)
    } catch (error) {
      const failure = expected(error)
      return writer.error(cookie, failure.errno, `unable to check for holes: ${failure.message}`)
    }
    done += run.bytes
    const last = done === bytes
    if (run.zero) {
      await writer.holeChunk(cookie, at, run.bytes, last)
      continue
    }
    const data = new Uint8Array(run.bytes)
    try {
      await user.read(at, data)
    } catch (error) {
      // Too late for an error chunk, says the real server, and hangs up.
      const text = `reading from file failed: ${expected(error).message}`
      throw new ClientFailed(`Failed to send reply: ${text}`)
    }
    await writer.dataChunk(cookie, at, data, last)
  }
}

async function answerStatus(
  { cookie, flags, offset, bytes }: NbdRequest,
  { export: offered, contexts: wanted }: Negotiated<NbdExport>,
  writer: ReplyWriter,
): Promise<void> {
  if (bytes === 0) return writer.error(cookie, 'EINVAL', 'need non-zero length')
  if (wanted.length === 0) return writer.error(cookie, 'EINVAL', 'CMD_BLOCK_STATUS not negotiated')
  const maximum = (flags & COMMAND_FLAG.oneExtent) === 0 ? MAX_STATUS_EXTENTS : 1
  const replies: StatusReply[] = []
  try {
    for (const context of offered.contexts) {
      if (!wanted.includes(context.id)) continue
      const extents = await context.extents({ user: offered.user, offset, bytes, maximum })
      replies.push({ context: context.id, extents })
    }
  } catch (error) {
    return writer.error(cookie, expected(error).errno, "can't get block status")
  }
  return writer.status(cookie, replies)
}

/** The failure, if it is one that requests may have. */
function expected(error: unknown): BlockError {
  if (error instanceof BlockError) return error
  throw error
}
