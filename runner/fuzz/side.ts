/**
 * One side of a sequence: a target in its own folder with the common images, played step by step.
 * After each step it is asked for its graph, nodes and exports, and what it said is normalised as
 * goldens are.
 */
import { BlockError, SimStalled } from '../../engine/index.ts'
import type { Value } from '../../dsl/plan.ts'
import { AtRest } from '../at-rest.ts'
import { type Device, fileDevice, withFile } from '../device.ts'
import { laneOf } from '../lanes.ts'
import { isList, member, text } from '../json.ts'
import { compareNames } from '../normalise.ts'
import { Play } from '../play.ts'
import { DeadlineError, GoneError, type QmpEvent, type Reply } from '../session.ts'
import { StepError } from '../step-error.ts'
import type { Selected } from '../selected.ts'
import { type Capabilities, type Station, TargetError } from '../targets/target.ts'
import { copyTemplate, IMAGES, RAW_IMAGES, type Template } from './images.ts'
import {
  type Ending,
  leafLines,
  type OpResult,
  type Outcome,
  type StepRecord,
  wireOrder,
} from './record.ts'
import { lastWords } from './last-words.ts'
import { hasConcludedStream, type Queried, readJobs } from './state.ts'
import {
  contentWords,
  isImage,
  NOWHERE,
  performOp,
  refusal,
  showResult,
  wordsWithoutOrder,
} from './requests.ts'
import { Luck } from './luck.ts'
import { JobSettler } from './settle.ts'
import { type FuzzStep, type IoOp, withPaths, writes } from './step.ts'

/** What gives the steps, one by one. */
export interface StepSource {
  next(): FuzzStep | undefined
  /** After each step, on the side that the steps are drawn from. */
  seen?(step: FuzzStep, record: StepRecord, queried: Queried | undefined): void
}

export interface SideOptions {
  readonly station: Station
  readonly selected: Selected
  readonly capabilities: Capabilities
  readonly template: Template
  readonly timeoutScale: number
  /** Commands whose reply is not compared. */
  readonly unreadReplies: ReadonlySet<string>
  readonly onRecord: (step: FuzzStep, record: StepRecord) => void
  /** Asked before each step. */
  readonly isStopped: () => boolean
}

export async function playSide(source: StepSource, options: SideOptions): Promise<Ending> {
  const { station } = options
  const play = new Play({
    selected: options.selected,
    sources: {},
    station,
    capabilities: options.capabilities,
    timeoutScale: options.timeoutScale,
  })
  try {
    return await station.play(async () => {
      await copyTemplate(options.template, play)
      return new SidePlay(play, options).play(source)
    }, 'a sequence')
  } catch (error) {
    return endingOf(error)
  } finally {
    await play.abandon()
    await station.close(false)
  }
}

function endingOf(error: unknown): Ending {
  if (error instanceof TargetError) throw error
  if (error instanceof DeadlineError) return { kind: 'hung', how: error.message }
  if (error instanceof SimStalled) return { kind: 'hung', how: 'stalled' }
  if (error instanceof GoneError) {
    return { kind: error.reason === 'closed' ? 'died' : 'broken', how: error.message }
  }
  if (error instanceof Error) return { kind: 'died', how: `${error.name}: ${error.message}` }
  throw error
}

async function guestWords(atRest: AtRest, path: string): Promise<readonly string[]> {
  try {
    return await atRest.withDevice(path, 'qcow2', false, NOWHERE, wordsWithoutOrder)
  } catch (error) {
    if (error instanceof StepError) return [error.message]
    // An image that others have written over may be no good.
    if (error instanceof BlockError) return [error.errno]
    throw error
  }
}

class SidePlay {
  readonly #play: Play
  readonly #options: SideOptions
  readonly #settler: JobSettler
  readonly #luck = new Luck()
  #events = 0
  #ended = false

  constructor(play: Play, options: SideOptions) {
    this.#play = play
    this.#options = options
    this.#settler = new JobSettler(play)
  }

  async play(source: StepSource): Promise<Ending> {
    await this.#play.start()
    for (let step = source.next(); step !== undefined; step = source.next()) {
      if (this.#options.isStopped()) return { kind: 'done' }
      const ending = await this.#step(step, source)
      if (ending !== undefined) return ending
      if (this.#luck.isAll) return { kind: 'done' }
      if (this.#ended) break
    }
    return (await this.#end()) ?? { kind: 'done' }
  }

  async #step(step: FuzzStep, source: StepSource): Promise<Ending | undefined> {
    try {
      this.#play.session.mark()
      const done = await this.#perform(step)
      const isOver = this.#ended || this.#luck.isAll
      const queried = isOver ? undefined : await this.#query()
      const record: StepRecord = {
        ...done,
        parts: { ...done.parts, ...(queried === undefined ? {} : this.#shown(queried)) },
        ...(queried === undefined ? {} : { jobs: readJobs(queried.jobs) }),
      }
      this.#options.onRecord(step, record)
      source.seen?.(step, record, queried)
      return undefined
    } catch (error) {
      const ending = endingOf(error)
      if (ending.kind !== 'died') return ending
      const exit = await this.#play.abandon()
      const how = exit?.signal ?? (exit?.status === undefined ? '' : `exit ${String(exit.status)}`)
      return this.#died(how === '' || how === 'SIGKILL' ? ending.how : how)
    }
  }

  /** Deaths with other last words are other findings. */
  #died(how: string): Ending {
    const words = lastWords(this.#play.log())
    return { kind: 'died', how: words === '' ? how : `${how}: ${words}` }
  }

  /** Ends the target and looks at the files that it leaves. */
  async #end(): Promise<Ending | undefined> {
    const step: FuzzStep = { kind: 'qmp', command: 'quit', args: undefined }
    try {
      if (!this.#ended) await this.#play.endQuietly()
    } catch (error) {
      const ending = endingOf(error)
      return ending.kind === 'died' ? this.#died(ending.how) : ending
    }
    const lines = await this.#files()
    const record: StepRecord = {
      parts: { files: lines.join('\n') },
      accepted: true,
      outcome: { kind: 'ok' },
    }
    this.#options.onRecord(step, record)
    return undefined
  }

  /** Bytes of the files; of an image that requests were written to side by side, what guests read. */
  async #files(): Promise<readonly string[]> {
    const play = this.#play
    const atRest = new AtRest(play)
    const lines: string[] = []
    try {
      for (const { name } of IMAGES) {
        const path = play.images.path(name)
        const isHere = async (file: Device): Promise<boolean> =>
          !this.#settler.hasParallel || (RAW_IMAGES.includes(name) && !(await isImage(file)))
        const { length, bytes } = await withFile(play.station.host, path, false, async (file) => ({
          length: file.length(),
          bytes: (await isHere(fileDevice(file)))
            ? await contentWords(fileDevice(file))
            : undefined,
        }))
        const words = bytes ?? (await guestWords(atRest, path))
        lines.push(`${name} ${String(length)} bytes ${words.join(' ')}`)
      }
    } finally {
      await atRest.stop()
    }
    return lines
  }

  // --- Steps -----------------------------------------------------------------------------------

  #perform(step: FuzzStep): Promise<StepRecord> {
    switch (step.kind) {
      case 'qmp':
        return this.#command(step.command, step.args)
      case 'raw':
        return this.#raw(step.text)
      case 'io':
        return this.#io(step.node, step.ops)
      case 'content':
        return this.#content(step.node)
    }
  }

  async #command(command: string, args: Value | undefined): Promise<StepRecord> {
    const play = this.#play
    const lowered =
      args === undefined
        ? undefined
        : withPaths(args, (kind, name) =>
            kind === 'img' ? play.images.path(name) : play.images.freshPath(name),
          )
    await play.hidden.hide(command)
    const reply = await play.ask(command, lowered)
    this.#luck.note(command, lowered)
    if (reply.kind === 'return') {
      play.hidden.note(command, lowered)
      this.#settler.note(command, lowered)
      if (this.#settler.hasParallel) this.#luck.severalAtOnce()
    }
    if (command === 'quit' && reply.kind === 'return') {
      this.#ended = true
      await play.ended()
      return this.#told(reply, command, '')
    }
    return this.#told(reply, command, await this.#newEvents())
  }

  #told(reply: Reply, command: string, events: string): StepRecord {
    const outcome: Outcome =
      reply.kind === 'return'
        ? { kind: 'ok' }
        : { kind: 'error', class: reply.class, text: reply.desc }
    return {
      parts: { reply: this.#replyText(reply, command), events },
      accepted: reply.kind === 'return',
      outcome,
    }
  }

  #replyText(reply: Reply, command: string): string {
    const id = reply.id === undefined ? [] : leafLines(reply.id, 'id')
    if (reply.kind === 'error') {
      const prose = this.#play.normaliser.prose(reply.desc)
      return [...id, `${reply.class}: ${prose}`].join('\n')
    }
    if (this.#options.unreadReplies.has(command)) return 'ok'
    return [...id, this.#valueText(reply.value, command)].join('\n')
  }

  #valueText(value: Value, of: string): string {
    return `ok\n${this.#leaves(value, of)}`
  }

  #leaves(value: Value, of: string): string {
    const lines = this.#luck.withoutLuck(leafLines(this.#play.shown(value, of)), of)
    return `${lines.join('\n')}\norder ${wireOrder(value)}`
  }

  async #raw(raw: string): Promise<StepRecord> {
    const { session, withinMs } = this.#play
    const replies = await session.raw(raw, withinMs)
    const lines = replies.map((reply) => this.#replyText(reply, ''))
    const [first] = replies
    const outcome: Outcome =
      first?.kind === 'error'
        ? { kind: 'error', class: first.class, text: first.desc }
        : { kind: 'ok' }
    return {
      parts: { reply: lines.join('\n'), events: await this.#newEvents() },
      accepted: first?.kind === 'return',
      outcome,
    }
  }

  async #io(node: string, ops: readonly IoOp[]): Promise<StepRecord> {
    const results = await this.#onNode(node, ops.some(writes), async (device) => {
      const done: OpResult[] = []
      for (const op of ops) {
        done.push(await this.#guarded(() => performOp(device, op)))
        // What a mirror copies at once, and what later, is nobody's choice.
        await this.#settler.settle()
      }
      return done
    })
    const all = 'refused' in results ? [refusal(results.refused)] : results
    return {
      parts: { reply: all.map(showResult).join('\n'), events: await this.#newEvents() },
      accepted: all.every(({ kind }) => kind === 'ok'),
      outcome: { kind: 'ops', results: all },
    }
  }

  async #content(node: string): Promise<StepRecord> {
    const found = await this.#onNode(node, false, (device) =>
      this.#guarded(async () =>
        this.#settler.hasParallel ? wordsWithoutOrder(device) : contentWords(device),
      ),
    )
    const result = 'refused' in found ? refusal(found.refused) : found
    return {
      parts: { data: `${node} ${showResult(result)}`, events: await this.#newEvents() },
      accepted: result.kind === 'ok',
      outcome:
        result.kind === 'ok'
          ? { kind: 'content', words: result.words }
          : { kind: 'ops', results: [result] },
    }
  }

  async #onNode<T>(
    node: string,
    writable: boolean,
    work: (device: Device) => Promise<T>,
  ): Promise<T | { readonly refused: string }> {
    const { hidden, normaliser } = this.#play
    const opened = await hidden.open(node, { writable, alone: false })
    if (typeof opened === 'string') return { refused: normaliser.prose(opened) }
    const result = await work(opened.device)
    await hidden.release(opened)
    return result
  }

  async #guarded(work: () => Promise<readonly string[]>): Promise<OpResult> {
    try {
      return { kind: 'ok', words: await this.#play.limit(work(), 'a request') }
    } catch (error) {
      if (error instanceof BlockError) return { kind: 'errno', errno: error.errno }
      throw error
    }
  }

  // --- What can be seen ------------------------------------------------------------------------

  /** Events since the last step, by lane. */
  async #newEvents(): Promise<string> {
    const { hidden, normaliser, session } = this.#play
    await this.#settler.settle()
    const arrived = session.events.slice(this.#events)
    this.#events += arrived.length
    return arrived
      .filter((event) => !hidden.owns(event) && !normaliser.drops(event.name))
      .filter((event) => !this.#luck.isLimited(event))
      .map((event) => ({ event, lane: laneOf(event.name, event.data).name }))
      .sort((a, b) => compareNames(a.lane, b.lane))
      .map(({ event }) => this.#eventText(event))
      .join('\n')
  }

  #eventText(event: QmpEvent): string {
    return `${event.name}\n${this.#leaves(event.data, `event ${event.name}`)}`
  }

  async #query(): Promise<Queried> {
    const ask = async (command: string): Promise<Value> => {
      const reply = await this.#play.ask(command)
      return reply.kind === 'return' ? reply.value : reply.desc
    }
    const jobs = await ask('query-jobs')
    return {
      graph: await ask('x-debug-query-block-graph'),
      named: hasConcludedStream(readJobs(jobs)) ? undefined : await ask('query-named-block-nodes'),
      exports: await ask('query-block-exports'),
      jobs,
      blockJobs: await ask('query-block-jobs'),
    }
  }

  #shown({ graph, named, exports, jobs, blockJobs }: Queried): StepRecord['parts'] {
    const shown = {
      graph: this.#valueText(graph, 'x-debug-query-block-graph'),
      exports: this.#valueText(exports, 'query-block-exports'),
      // At rest, how far a job is says what it has done.
      jobs: `${this.#valueText(jobs, 'jobs')}\n${this.#valueText(blockJobs, 'jobs')}`,
    }
    if (named === undefined) return shown
    const order = (isList(named) ? named : []).map((node) =>
      this.#play.normaliser.prose(text(member(node, 'node-name')) ?? ''),
    )
    return {
      ...shown,
      nodes: `${this.#valueText(named, 'query-named-block-nodes')}\n${order.join(' ')}`,
    }
  }
}
