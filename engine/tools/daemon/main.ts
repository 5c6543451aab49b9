/** `storage-daemon`: the engine as a process, with the options of qemu-storage-daemon. */
import type { Host } from '../../host/host.ts'
import type { ToolOutput } from '../output.ts'

/** Runs until `quit` or a signal and returns the exit status. `argv` is without the program's name. */
export function storageDaemon(
  _host: Host,
  _argv: readonly string[],
  about: ToolOutput & { readonly program: string },
): Promise<number> {
  about.stderr(`${about.program}: not built yet\n`)
  return Promise.resolve(1)
}
