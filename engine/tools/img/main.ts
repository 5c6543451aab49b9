/** `img`: the offline image tool. Raw images only for now; other formats are refused by name. */
import type { Host } from '../../host/host.ts'
import type { ToolOutput } from '../output.ts'

/** Runs one command line (without the program's name) and returns its exit status. */
export function img(_host: Host, argv: readonly string[], io: ToolOutput): Promise<number> {
  io.stderr(`img ${argv[0] ?? ''} is not built yet\n`)
  return Promise.resolve(1)
}
