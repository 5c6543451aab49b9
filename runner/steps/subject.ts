/** What a script, a claim or a comparison speaks of: a node, an export, or an image at rest. */
import type { Span, Subject } from '../../dsl/plan.ts'
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, normalize } from 'node:path'
import { checkExtents, type ContentResult, firstDeviceDifference } from '../content.ts'
import type { Device } from '../device.ts'
import type { Play } from '../play.ts'
import { StepError } from '../step-error.ts'
import { showNumber } from '../notation.ts'
import type { Flight, LineResult, ScriptContext } from '../script.ts'
import type { VerifyWant } from '../../dsl/plan-io.ts'

/** Largest file that a `file(…)` pattern reads. */
const PATTERN_FILE_BYTES = 16 * 2 ** 20

/** The device, or the words in which the target refused to give it. */
export type Reached =
  { readonly device: Device; readonly flights: Flight[] } | { readonly refused: string }

/** What is done with a subject. */
export interface Access {
  readonly write: boolean
  /** Requests may still be under way when the work is done. */
  readonly leavesRequests?: boolean
}

/** Opens what a subject names for the length of `work`. */
export async function withSubject<T>(
  play: Play,
  subject: Subject,
  { write, leavesRequests = false }: Access,
  work: (reached: Reached) => Promise<T>,
): Promise<T> {
  if (subject.kind === 'nbd') return withScenarioExport(play, subject, work)
  if (subject.kind === 'img' || (play.atRest && play.images.has(subject.name))) {
    return play.images.withDevice(subject.name, undefined, write, subject.span, (device) =>
      work({ device, flights: [] }),
    )
  }
  const alone = !play.isLane && !leavesRequests
  const opened = await play.hidden.open(subject.name, { writable: write, alone })
  if (typeof opened === 'string') return work({ refused: play.normaliser.prose(opened) })
  try {
    return await work(opened)
  } finally {
    if (play.isRunning) await play.hidden.release(opened)
  }
}

async function withScenarioExport<T>(
  play: Play,
  subject: Subject,
  work: (reached: Reached) => Promise<T>,
): Promise<T> {
  const opened = await play.hidden.openScenarioExport(subject.name)
  if (opened === undefined) throw new StepError('no NBD server runs', subject.span)
  if (typeof opened === 'string') return work({ refused: play.normaliser.prose(opened) })
  try {
    return await work(opened)
  } finally {
    await play.hidden.releaseScenarioExport(opened)
  }
}

export function showSubject(subject: Subject, atRest: boolean): string {
  if (subject.kind === 'nbd') return `nbd:${subject.name}`
  return subject.kind === 'img' && !atRest ? `img:${subject.name}` : subject.name
}

/** The part of a script's surroundings that does not depend on the step. */
export function scriptContext(play: Play, label: string, subject: Subject): ScriptContext {
  return {
    label,
    subject: label === 'seed' ? subject.name : showSubject(subject, play.atRest),
    readFile: (path, offset, bytes) => readPatternFile(play, path, offset, bytes, subject.span),
    settle: () => play.settle(),
    add: (fact) => {
      play.transcript.add(fact)
    },
    blame: (code, mismatch) => {
      play.blame(code, mismatch)
    },
    verifySame: (want, device) => compareWith(play, want, device),
    resize: (bytes) => resize(play, subject, bytes),
    await: (work, what) => play.limit(work, what),
  }
}

async function resize(play: Play, subject: Subject, bytes: number): Promise<LineResult> {
  if (subject.kind !== 'node') return { kind: 'errno', errno: 'ENOTSUP' }
  const reply = await play.ask('block_resize', { 'node-name': subject.name, size: bytes })
  return reply.kind === 'return'
    ? { kind: 'ok' }
    : { kind: 'refused', text: play.normaliser.prose(reply.desc) }
}

/** Holds the content of a device against a claim. */
export function verifyDevice(
  play: Play,
  device: Device,
  want: VerifyWant,
  span: Span,
): Promise<ContentResult> {
  if (want.kind === 'same') return compareWith(play, want, device)
  return checkExtents(device, want.extents, span, (path, offset, bytes) =>
    readPatternFile(play, path, offset, bytes, span),
  )
}

async function compareWith(
  play: Play,
  want: Extract<VerifyWant, { readonly kind: 'same' }>,
  device: Device,
): Promise<ContentResult> {
  return withSubject(play, want.as, { write: false }, async (other) => {
    if ('refused' in other) throw new StepError(other.refused, want.as.span)
    const at = await firstDeviceDifference(device, other.device)
    const name = showSubject(want.as, play.atRest)
    if (at === undefined) return { words: ['same', 'as', name], mismatches: [] }
    const where = at === 'length' ? 'in length' : `at ${showNumber(at)}`
    return {
      words: ['differs', 'from', name, ...where.split(' ')],
      mismatches: [{ span: want.as.span, message: `differs from ${name} ${where}` }],
    }
  })
}

/** A file beside the scenario, and never one outside of its folder. */
function readPatternFile(
  play: Play,
  path: string,
  offset: number,
  bytes: number,
  span: Span,
): Uint8Array {
  const clean = normalize(path)
  if (isAbsolute(clean) || clean.startsWith('..')) {
    throw new StepError(`'${path}' is outside of the scenario's folder`, span)
  }
  let data: Uint8Array
  try {
    data = readFileSync(join(dirname(play.scenario.file), clean))
  } catch (error) {
    throw new StepError(`cannot read '${path}': ${(error as Error).message}`, span)
  }
  if (data.length > PATTERN_FILE_BYTES) throw new StepError(`'${path}' is too large`, span)
  return data.subarray(offset, offset + bytes)
}
