/** How long a storage daemon takes for a backup from one file to another, from command to event. */
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const MIB = 2 ** 20

/** @returns Wall milliseconds of the backup alone. */
export async function backupTime(
  program: readonly [command: string, ...args: string[]],
  folder: string,
  mebibytes: number,
): Promise<number> {
  const files = ['from', 'to'].map((name) => join(folder, name))
  for (const file of files) writeFileSync(file, Buffer.alloc(mebibytes * MIB, 7))
  const [command, ...args] = program
  const monitor = ['--chardev', 'stdio,id=m', '--monitor', 'chardev=m']
  const daemon = spawn(command, [...args, ...monitor], { stdio: ['pipe', 'pipe', 'ignore'] })
  const send = (execute: string, about: object = {}): void => {
    daemon.stdin.write(`${JSON.stringify({ execute, arguments: about })}\n`)
  }
  send('qmp_capabilities')
  for (const [index, file] of files.entries()) {
    send('blockdev-add', { driver: 'file', 'node-name': `n${String(index)}`, filename: file })
  }
  let begin = 0n
  send('blockdev-backup', { 'job-id': 'j', device: 'n0', target: 'n1', sync: 'full' })
  for await (const line of createInterface({ input: daemon.stdout })) {
    if (line.includes('"created"')) begin = process.hrtime.bigint()
    if (!line.includes('"BLOCK_JOB_COMPLETED"')) continue
    const milliseconds = Number(process.hrtime.bigint() - begin) / 1e6
    send('quit')
    return milliseconds
  }
  throw new Error(`${command} ended before the backup`)
}
