/** Connects reporters with where they write: the terminal, files, and what GitHub names. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import { CommandError, type Output } from '../verbs/verb.ts'
import type { RunEvent } from './event.ts'
import { githubReporter, githubSummaryReporter } from './github.ts'
import { jsonReporter } from './json.ts'
import { junitReporter } from './junit.ts'
import type { Reporter } from './reporter.ts'
import { tapReporter } from './tap.ts'
import { ttyReporter, type TtyOptions } from './tty.ts'

export const REPORTERS = ['tty', 'json', 'junit', 'tap', 'github'] as const
export type ReporterName = (typeof REPORTERS)[number]

/** Reporters whose whole output is one document: they cannot share a stream. */
const DOCUMENTS: ReadonlySet<ReporterName> = new Set<ReporterName>(['json', 'junit', 'tap'])

export interface ReporterChoice {
  readonly name: ReporterName
  /** A file; without it the standard output. */
  readonly path?: string
}

export interface OutputsOptions {
  readonly choices: readonly ReporterChoice[]
  readonly stdout: Output
  readonly stderr: Output
  readonly cwd: string
  /** `GITHUB_STEP_SUMMARY`. */
  readonly summaryPath: string | undefined
  readonly tty: Omit<TtyOptions, 'live' | 'columns'>
}

export interface Outputs {
  emit(event: RunEvent): void
  close(): void
}

interface Channel {
  readonly reporter: Reporter
  readonly write: (text: string) => void
  readonly close: () => void
}

/** How often the terminal's live line is drawn. */
const TICK_MS = 200

/** @throws {CommandError} if a file cannot be written or two documents want one stream. */
export function openOutputs(options: OutputsOptions): Outputs {
  const { choices } = options
  const documents = choices.filter(({ name, path }) => path === undefined && DOCUMENTS.has(name))
  if (documents.length > 1) {
    const names = documents.map(({ name }) => name).join(' and ')
    throw new CommandError(`${names} cannot both go to standard output: give a path, NAME=PATH`)
  }
  const channels: Channel[] = []
  try {
    for (const choice of choices) channels.push(...open(choice, options, documents.length > 0))
  } catch (error) {
    for (const channel of channels) channel.close()
    throw error
  }
  const put = ({ write }: Channel, text: string): void => {
    if (text !== '') write(text)
  }
  const timer = setInterval(() => {
    for (const channel of channels) put(channel, channel.reporter.tick?.() ?? '')
  }, TICK_MS)
  timer.unref()
  return {
    emit(event) {
      for (const channel of channels) put(channel, channel.reporter.on(event))
    },
    close() {
      clearInterval(timer)
      for (const channel of channels) channel.close()
    },
  }
}

function open(
  { name, path }: ReporterChoice,
  options: OutputsOptions,
  stdoutTaken: boolean,
): readonly Channel[] {
  const stream = name === 'tty' && stdoutTaken ? options.stderr : options.stdout
  const reporter = create(name, options, stream, path !== undefined)
  const main =
    path === undefined ? toStream(reporter, stream) : toFile(reporter, path, options, 'w')
  if (name !== 'github' || options.summaryPath === undefined) return [main]
  return [main, toFile(githubSummaryReporter(), options.summaryPath, options, 'a')]
}

function create(
  name: ReporterName,
  { tty }: OutputsOptions,
  stream: Output,
  file: boolean,
): Reporter {
  switch (name) {
    case 'tty':
      return ttyReporter({
        ...tty,
        colour: tty.colour && !file,
        live: stream.isTTY && !file,
        columns: stream.columns,
      })
    case 'json':
      return jsonReporter()
    case 'junit':
      return junitReporter()
    case 'tap':
      return tapReporter()
    case 'github':
      return githubReporter()
  }
}

function toStream(reporter: Reporter, stream: Output): Channel {
  return { reporter, write: (text) => stream.write(text), close: () => undefined }
}

function toFile(
  reporter: Reporter,
  path: string,
  options: OutputsOptions,
  mode: 'w' | 'a',
): Channel {
  const file = resolve(options.cwd, path)
  try {
    const fd = openSync(file, mode)
    return {
      reporter,
      write: (text) => {
        writeSync(fd, text)
      },
      close: () => closeSync(fd),
    }
  } catch (error) {
    throw new CommandError(`cannot write report '${path}': ${(error as Error).message}`)
  }
}

/** Reads one `-r` value: `tty,json=out.ndjson`. */
export function parseReporters(value: string): readonly ReporterChoice[] {
  return value.split(',').map((item) => {
    const [word = '', ...rest] = item.split('=')
    const name = REPORTERS.find((known) => known === word)
    if (name === undefined) {
      const soon = ['gitlab', 'html', 'blob'].includes(word) ? ' (not built yet)' : ''
      throw new CommandError(`wants ${REPORTERS.join(', ')}${soon}`)
    }
    const path = rest.join('=')
    if (rest.length > 0 && path === '') throw new CommandError(`wants a path after '${name}='`)
    return { name, ...(path === '' ? {} : { path }) }
  })
}
