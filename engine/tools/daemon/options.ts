/** The options of the storage daemon, and its help. */
import { versionText } from '../../qmp/version.ts'
import type { OptionSpec } from '../getopt.ts'

export interface DaemonOption extends OptionSpec {
  readonly long: string
  /** What stands after the option in the help. */
  readonly value: string
  readonly doc: string
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

export type OptionName = (typeof OPTIONS)[number]['long']

export function helpText(program: string): string {
  const lines = OPTIONS.map((option: DaemonOption) => {
    const letter = option.letter === undefined ? '' : `-${option.letter}, `
    return `  ${letter}--${option.long}${option.value === '' ? '' : ` ${option.value}`}\n      ${option.doc}\n`
  })
  return `Usage: ${program} [options]\nBlock layer as a daemon: nodes, exports and a QMP monitor, no virtual machine.\nOptions take effect in the order in which they are given.\n\n${lines.join('')}`
}

export function versionLine(program: string): string {
  return `${program} version ${versionText()} (blockspec)\n`
}
