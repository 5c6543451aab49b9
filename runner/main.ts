/** The `blockspec` program: wires the command line to this process and nothing else. */
import { compileAtOnce } from './compiling.ts'
import { commandLine } from './verbs/command-line.ts'
import type { Output, Shell } from './verbs/verb.ts'

compileAtOnce()

/** Set once the reader of our output is gone: nobody is left to tell anything. */
let deaf = false

function output(stream: NodeJS.WriteStream): Output {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    deaf = true
  })
  return {
    isTTY: stream.isTTY,
    get columns() {
      return stream.columns > 0 ? stream.columns : 80
    },
    write(text) {
      if (!deaf) stream.write(text)
    },
  }
}

const interrupt = new AbortController()

/** The first signal asks for an orderly end with a partial report, the second one ends at once. */
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const) {
  process.on(signal, () => {
    if (interrupt.signal.aborted) process.exit(status)
    interrupt.abort(signal)
  })
}

const shell: Shell = {
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  get stdin() {
    return process.stdin
  },
  env: process.env,
  cwd: process.cwd(),
  signal: interrupt.signal,
}

process.exitCode = await commandLine(process.argv.slice(2), shell)
// What a scenario left behind must not keep the program alive; output is flushed first.
process.stdout.write('', () => process.stderr.write('', () => process.exit()))
