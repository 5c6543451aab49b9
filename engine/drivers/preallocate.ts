/**
 * `preallocate`: a filter that lengthens the file below by more than a write beyond its end asks
 * for, so that later ones find it long enough. What is too much is cut off again when the node
 * loses the permissions to write and resize.
 */
import { defineFilter, type Child, type Instance, type TruncateOptions } from '../block/driver.ts'
import { opt } from '../block/option.ts'
import { RESIZE, WRITE, type Claims } from '../block/permission.ts'
import { alignUp, isAligned } from '../util/align.ts'
import { andThen, isPromise, type MaybePromise } from '../util/async.ts'
import { BlockError } from '../util/errors.ts'
import { checkNotNegative } from './size.ts'

const DEFAULT_ALIGN = 2 ** 20
const DEFAULT_SIZE = 128 * 2 ** 20
const SECTOR_BYTES = 512
const BOTH = WRITE | RESIZE

interface Options {
  readonly 'prealloc-align': number
  readonly 'prealloc-size': number
}

export const preallocate = defineFilter({
  name: 'preallocate',
  doc: 'Makes the file below longer in larger steps than writes to it ask for.',
  options: {
    'prealloc-align': opt.int({
      default: DEFAULT_ALIGN,
      doc: 'The length is a multiple of this many bytes when it was made longer.',
    }),
    'prealloc-size': opt.int({
      default: DEFAULT_SIZE,
      doc: 'Bytes to add beyond the end of the write that is too long.',
    }),
  },
  reopenable: ['prealloc-align', 'prealloc-size'],
  resettable: [],
  // Who else resized or wrote the file would make what is remembered of its end wrong.
  claims: ({ above }) =>
    mayGrow(above) ? { uses: above.uses, shares: above.shares & ~BOTH } : above,
  open(next, { options }) {
    checkOptions(next, options)
    const tail = new Tail(next, options)
    return {
      liveLength: true,
      length: () => tail.dataEnd ?? next.length(),
      write: (offset, data, flags) =>
        andThen(tail.reach(offset + data.length), () => next.write(offset, data, flags)),
      zero: (offset, bytes, flags) =>
        andThen(tail.reach(offset + bytes), () => next.zero(offset, bytes, flags)),
      truncate: (bytes, truncation) => tail.truncate(bytes, truncation),
      setClaims(claims) {
        tail.claimed(mayGrow(claims))
      },
      close: () => tail.close(),
      reopen(query) {
        const restated = query.options as unknown as Options
        checkOptions(next, restated)
        return {
          commit() {
            tail.options = restated
            if (query.flags.readOnly) tail.claimed(false)
          },
        }
      },
    } satisfies Partial<Instance>
  },
})

function mayGrow({ uses }: Claims): boolean {
  return (uses & BOTH) === BOTH
}

/** @throws {BlockError} in QEMU's words. */
function checkOptions(next: Child, options: Options): void {
  const align = checkNotNegative('prealloc-align', options['prealloc-align']) ?? DEFAULT_ALIGN
  checkNotNegative('prealloc-size', options['prealloc-size'])
  const subject = 'prealloc-align parameter of preallocate filter is not aligned to'
  if (!isAligned(align, SECTOR_BYTES)) throw new BlockError(`${subject} ${String(SECTOR_BYTES)}`)
  const { requestAlignment } = next.limits()
  if (isAligned(align, requestAlignment)) return
  throw new BlockError(`${subject} underlying node request alignment (${String(requestAlignment)})`)
}

/** Where the data ends and where the file does, as long as nobody else may change that. */
class Tail {
  options: Options
  /** Absent while somebody else may write or resize the file. */
  dataEnd: number | undefined
  readonly #next: Child
  /** Absent where the last attempt to lengthen it failed: then it is asked for anew. */
  #fileEnd: number | undefined
  /** The file grows or is cut just now. */
  #changing: Promise<void> | undefined

  constructor(next: Child, options: Options) {
    this.#next = next
    this.options = options
  }

  /** A write up to `end` is about to come: the file is made long enough, and then some. */
  reach(end: number): MaybePromise<void> {
    if (this.#changing !== undefined) return this.#changing.then(() => this.reach(end))
    if (this.dataEnd === undefined || end <= this.dataEnd) return
    this.dataEnd = end
    this.#fileEnd ??= this.#next.length()
    if (end > this.#fileEnd) return this.#grow(this.#fileEnd, end)
  }

  async truncate(bytes: number, options: TruncateOptions): Promise<void> {
    await this.#changing
    if (this.dataEnd !== undefined && bytes > this.dataEnd) {
      const fileEnd = (this.#fileEnd ??= this.#next.length())
      if (options.preallocation === 'falloc') {
        // What was made too long is what is asked for now.
        if (bytes <= fileEnd) {
          this.dataEnd = bytes
          return
        }
      } else if (fileEnd > this.dataEnd) {
        await this.#next.truncate(this.dataEnd)
        this.#fileEnd = this.dataEnd
      }
    }
    await this.#next.truncate(bytes, options)
    if (this.dataEnd === undefined) return
    this.dataEnd = bytes
    this.#fileEnd = bytes
  }

  /** The permissions came or went. */
  claimed(mayGrow: boolean): void {
    if (mayGrow) {
      if (this.dataEnd !== undefined) return
      this.dataEnd = this.#next.length()
      this.#fileEnd = this.dataEnd
    } else {
      this.#cut()
    }
  }

  async close(): Promise<void> {
    this.#cut()
    await this.#changing
  }

  #grow(fileEnd: number, end: number): MaybePromise<void> {
    const from = alignUp(fileEnd, this.#next.limits().requestAlignment)
    const size = end + this.options['prealloc-size']
    const align = this.options['prealloc-align']
    const to = align === 0 ? size : alignUp(size, align)
    this.#fileEnd = undefined
    if (!Number.isSafeInteger(to) || to <= from) return
    const grown = (): void => {
      this.#fileEnd = to
    }
    return this.#change(() =>
      andThen(this.#next.zero(from, to - from, { noFallback: true }), grown),
    )
  }

  /** Cuts off what is too much, and forgets all: from now on others may change the file. */
  #cut(): void {
    const { dataEnd } = this
    if (dataEnd === undefined) return
    const isTooLong = this.#fileEnd === undefined || this.#fileEnd > dataEnd
    this.dataEnd = undefined
    this.#fileEnd = undefined
    if (isTooLong && this.#next.length() > dataEnd) {
      void this.#change(() => this.#next.truncate(dataEnd))
    }
  }

  /** Runs a change that nobody may overtake. That it fails is no reason to refuse anything. */
  #change(run: () => MaybePromise<void>): MaybePromise<void> {
    const forgive = (error: unknown): void => {
      if (!(error instanceof BlockError)) throw error
    }
    try {
      const running = run()
      if (!isPromise(running)) return
      const changing = running.catch(forgive).finally(() => {
        if (this.#changing === changing) this.#changing = undefined
      })
      this.#changing = changing
      return changing
    } catch (error) {
      forgive(error)
    }
  }
}
