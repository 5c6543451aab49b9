/** The options of the storage daemon, and its help. */
import { versionText } from '../../qmp/version.ts'
import { PROFILES, type ProfileName } from '../../profiles/index.ts'
import type { OptionSpec } from '../getopt.ts'

export const PROFILE_NAMES = Object.keys(PROFILES)

export interface DaemonOption extends OptionSpec {
  readonly long: string
  /** What stands after the option in the help. */
  readonly value: string
  readonly doc: string
}

/** Read before all others, by its whole name only: those of 7.2 keep their abbreviations. */
const PROFILE: DaemonOption = {
  long: 'profile',
  takesValue: true,
  value: PROFILE_NAMES.join(' | '),
  doc: 'which behaviour to have; qemu unless said otherwise',
}

export const OPTIONS = [
  { long: 'help', letter: 'h', takesValue: false, value: '', doc: 'print this and exit' },
  {
    long: 'trace',
    letter: 'T',
    takesValue: true,
    value: '[enable=]PATTERN',
    doc: 'trace events; this engine has none',
  },
  { long: 'version', letter: 'V', takesValue: false, value: '', doc: 'print the version and exit' },
  {
    long: 'blockdev',
    takesValue: true,
    value: '[driver=]DRIVER,node-name=N[,OPTION=VALUE…] | JSON',
    doc: 'create a block node',
  },
  {
    long: 'chardev',
    takesValue: true,
    value:
      'stdio,id=ID | null,id=ID | socket,id=ID,path=PATH[,server=on[,wait=off]] | socket,id=ID,host=HOST,port=PORT[,…]',
    doc: 'create a character device for a monitor',
  },
  {
    long: 'daemonize',
    takesValue: false,
    value: '',
    doc: 'go into the background once start-up is complete',
  },
  {
    long: 'export',
    takesValue: true,
    value: '[type=]nbd,id=ID,node-name=N[,name=NAME][,writable=on] | JSON',
    doc: 'export a node (after --nbd-server)',
  },
  {
    long: 'monitor',
    takesValue: true,
    value: '[chardev=]ID[,mode=control][,pretty=on] | JSON',
    doc: 'serve QMP on a character device',
  },
  {
    long: 'nbd-server',
    takesValue: true,
    value:
      'addr.type=unix,addr.path=PATH | addr.type=inet,addr.host=HOST,addr.port=PORT [,max-connections=N] | JSON',
    doc: 'start the NBD server',
  },
  {
    long: 'object',
    takesValue: true,
    value: 'help | TYPE,help | [qom-type=]TYPE,id=ID[,PROPERTY=VALUE…] | JSON',
    doc: 'create an object',
  },
  {
    long: 'pidfile',
    takesValue: true,
    value: 'PATH',
    doc: 'write the process id there once start-up is complete',
  },
] as const satisfies readonly DaemonOption[]

/** Of the profiles of the design note; 7.2's daemon has no such options. */
const DRIVERS = {
  long: 'drivers',
  takesValue: true,
  value: 'help | [rw=DRIVER[:DRIVER…]][,ro=DRIVER[:DRIVER…]]',
  doc: 'white lists: drivers that may write, and others that may be read',
} as const satisfies DaemonOption

const COMPAT = {
  long: 'compat',
  takesValue: true,
  value: '[deprecated-input=accept|reject|crash][,deprecated-output=accept|hide][,unstable-…]',
  doc: 'what becomes of deprecated or unstable input and output',
} as const satisfies DaemonOption

export type OptionName = (typeof OPTIONS)[number]['long'] | 'compat' | 'drivers'

export function optionsIn(profile: ProfileName): readonly (DaemonOption & { long: OptionName })[] {
  return profile === 'qemu' ? OPTIONS : [...OPTIONS, COMPAT, DRIVERS]
}

export function helpText(program: string, profile: ProfileName): string {
  const lines = [...optionsIn(profile), PROFILE].map((option: DaemonOption) => {
    const letter = option.letter === undefined ? '' : `-${option.letter}, `
    return `  ${letter}--${option.long}${option.value === '' ? '' : ` ${option.value}`}\n      ${option.doc}\n`
  })
  return `Usage: ${program} [options]\nBlock layer as a daemon: nodes, exports and a QMP monitor, no virtual machine.\nOptions take effect in the order in which they are given.\n\n${lines.join('')}`
}

export function versionLine(program: string): string {
  return `${program} version ${versionText()} (blockspec)\n`
}
