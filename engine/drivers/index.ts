/** Every driver the engine knows. Adding one means one new file and one line here. */
import type { Driver } from '../block/driver.ts'
import { file } from './file.ts'
import { nullAio, nullCo } from './null.ts'
import { quorum } from './quorum/quorum.ts'
import { raw } from './raw.ts'

export const DRIVERS: readonly Driver[] = [file, nullAio, nullCo, quorum, raw]
