/** `img`: the offline image tool for raw and qcow2; other formats are refused by name. */
import type { Host } from '../../host/host.ts'
import { PROFILES } from '../../profiles/index.ts'
import { versionText } from '../../qmp/version.ts'
import { scanOptions } from '../getopt.ts'
import type { ToolOutput } from '../output.ts'
import { takeProfile } from '../profile-option.ts'
import { check } from './check.ts'
import type { ImgContext } from './command-line.ts'
import { HELP, ImgFailure, reportFailure, usageFailure } from './command-line.ts'
import { compare } from './compare.ts'
import { create } from './create.ts'
import { info } from './info.ts'
import { map } from './map.ts'
import { rebase } from './rebase.ts'
import { resize } from './resize.ts'

/** As messages name it: people compare them with those of the program that it stands in for. */
const PROGRAM = 'qemu-img'

type ImgCommand = (host: Host, argv: readonly string[], context: ImgContext) => Promise<number>

const COMMANDS: Readonly<Record<string, ImgCommand>> = {
  check,
  compare,
  create,
  info,
  map,
  rebase,
  resize,
}

/** Commands that the real program has besides. */
const UNBUILT = ['amend', 'bench', 'bitmap', 'commit', 'convert', 'dd', 'measure', 'snapshot']

const USAGE = {
  check: '[-f FMT | --image-opts] [-U] [-q] [--output=human|json] [-r leaks|all] FILE',
  compare: '[-f FMT | --image-opts] [-F FMT] [-U] [-q] [-s] FILE FILE',
  create: '--schema | [-q] [-f FMT] [-b BACKING [-F FMT]] [-u] [-o OPTIONS] FILE [SIZE]',
  info: '[-f FMT | --image-opts] [-U] [--backing-chain] [--output=human|json] FILE',
  map: '[-f FMT | --image-opts] [-U] [--output=human|json] [-s OFFSET] [-l LENGTH] FILE',
  rebase:
    '[-f FMT | --image-opts] [-U] [-q] [-t CACHE] [-T CACHE] [-u] -b BACKING [-F BACKING_FMT] FILE',
  resize: '[-f FMT | --image-opts] [-q] [--shrink] [--preallocation=MODE] FILE [+|-]SIZE',
} as const

const EXAMPLES = [
  'create -f qcow2 -b base.qcow2 -F qcow2 top.qcow2',
  'create --schema',
  'info --backing-chain --output=json top.qcow2',
  'check -r all top.qcow2',
  'rebase -u -b moved.qcow2 -F qcow2 top.qcow2',
  'check --profile note top.qcow2',
] as const

/** Runs one command line (without the program's name) and returns its exit status. */
export async function img(
  host: Host,
  argv: readonly string[],
  output: ToolOutput,
): Promise<number> {
  const { profile, argv: words, problem } = takeProfile(argv)
  const context: ImgContext = {
    program: PROGRAM,
    profile,
    command: '',
    stdout: (text) => output.stdout(text),
    stderr: (text) => output.stderr(text),
  }
  try {
    if (problem !== undefined) throw usageFailure(problem, PROGRAM)
    return await run(host, words, context)
  } catch (error) {
    if (!(error instanceof ImgFailure)) throw error
    return reportFailure(error, context)
  }
}

const VERSION = { name: 'version', letter: 'V', long: 'version', takesValue: false } as const

async function run(host: Host, argv: readonly string[], context: ImgContext): Promise<number> {
  const [name, ...rest] = argv
  if (name === undefined) throw usageFailure('Not enough arguments', PROGRAM)
  if (name.startsWith('-')) return standardOption(name, context)
  if (UNBUILT.includes(name)) throw new ImgFailure(`command '${name}' is not built yet`)
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) throw usageFailure(`Command not found: ${name}`, PROGRAM)
  const asksHelp = scanOptions([HELP], rest, true).some(({ kind }) => kind === 'option')
  if (asksHelp) return printHelp(context)
  return command(host, rest, { ...context, command: name })
}

function standardOption(word: string, context: ImgContext): number {
  const [found] = scanOptions([HELP, VERSION], [word], false)
  if (found?.kind !== 'option') throw usageFailure(`unrecognized option '${word}'`, PROGRAM)
  if (found.spec.name === 'help') return printHelp(context)
  context.stdout(`${PROGRAM} version ${versionText()} (blockspec)\n`)
  return 0
}

function printHelp(context: ImgContext): number {
  const lines = Object.entries(USAGE).map(([name, usage]) => `  ${name} ${usage}\n`)
  context.stdout(
    `Usage: ${PROGRAM} [--profile PROFILE] COMMAND …\n` +
      `Raw and qcow2 images for now. Each command has --profile; profiles are ${Object.keys(PROFILES).join(', ')}.\n\n` +
      `${lines.join('')}\nExamples:\n${EXAMPLES.map((words) => `  ${PROGRAM} ${words}\n`).join('')}`,
  )
  return 0
}
