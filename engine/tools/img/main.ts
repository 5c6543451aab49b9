/** `img`: the offline image tool. Raw images only for now; other formats are refused by name. */
import type { Host } from '../../host/host.ts'
import type { ToolOutput } from '../output.ts'

/** Runs one command line (without the program's name) and returns its exit status. */
export declare function img(host: Host, argv: readonly string[], io: ToolOutput): Promise<number>
