/** A shell for tests: collects what a command prints, and feeds it what a user would type. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { commandLine } from './command-line.ts'
import type { Output, Shell } from './verb.ts'

export interface Result {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export interface TestShell {
  readonly folder: string
  write(path: string, text: string): void
  run(...argv: readonly string[]): Promise<Result>
  /** The same with keys piped in. */
  type(keys: string, ...argv: readonly string[]): Promise<Result>
  /** The same, aborted by a signal after the first time that something is printed. */
  interrupt(signal: string, ...argv: readonly string[]): Promise<Result>
  remove(): void
}

/** A folder with these files, and commands that run in it. */
export function testShell(files: Readonly<Record<string, string>> = {}): TestShell {
  const folder = mkdtempSync(join(tmpdir(), 'b-cli-'))
  const write = (path: string, text: string): void => {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  for (const [path, text] of Object.entries(files)) write(path, text)
  const call = async (argv: readonly string[], keys: string, signal?: string): Promise<Result> => {
    const interrupt = new AbortController()
    const printed = { stdout: '', stderr: '' }
    const output = (name: 'stdout' | 'stderr'): Output => ({
      isTTY: false,
      columns: 80,
      write(text) {
        printed[name] += text
        if (signal !== undefined) interrupt.abort(signal)
      },
    })
    const shell: Shell = {
      stdout: output('stdout'),
      stderr: output('stderr'),
      stdin: Readable.from(keys === '' ? [] : [keys]),
      env: { HOME: folder, XDG_CACHE_HOME: join(folder, '.cache') },
      cwd: folder,
      signal: interrupt.signal,
    }
    return { status: await commandLine(argv, shell), ...printed }
  }
  return {
    folder,
    write,
    run: (...argv) => call(argv, ''),
    type: (keys, ...argv) => call(argv, keys),
    interrupt: (signal, ...argv) => call(argv, '', signal),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
