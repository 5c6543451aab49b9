/** Every driver the engine knows. Adding one means one new file and one line here. */
import type { Driver } from '../block/driver.ts'
import { blkdebug } from './blkdebug/blkdebug.ts'
import { file } from './file/file.ts'
import { nbd } from './nbd.ts'
import { nullAio, nullCo } from './null.ts'
import { qcow2 } from './qcow2/qcow2.ts'
import { quorum } from './quorum/quorum.ts'
import { raw } from './raw.ts'
import { throttle } from './throttle/throttle.ts'

export const DRIVERS: readonly Driver[] = [
  blkdebug,
  file,
  nbd,
  nullAio,
  nullCo,
  qcow2,
  quorum,
  raw,
  throttle,
]
