/** Every driver the engine knows. Adding one means one new file and one line here. */
import type { Driver } from '../block/driver.ts'
import { blkdebug } from './blkdebug/blkdebug.ts'
import { blklogwrites } from './blklogwrites/blklogwrites.ts'
import { blkverify } from './blkverify.ts'
import { bochs } from './bochs.ts'
import { compress } from './compress.ts'
import { copyBeforeWrite } from './copy-before-write/copy-before-write.ts'
import { copyOnRead } from './copy-on-read.ts'
import { detectZeroes } from './detect-zeroes.ts'
import { file } from './file/file.ts'
import { hostDevice } from './file/host-device.ts'
import { nbd } from './nbd.ts'
import { nullAio, nullCo } from './null.ts'
import { preallocate } from './preallocate.ts'
import { qcow2 } from './qcow2/qcow2.ts'
import { quorum } from './quorum/quorum.ts'
import { raw } from './raw.ts'
import { rbd } from './rbd.ts'
import { snapshotAccess } from './snapshot-access.ts'
import { ssh } from './ssh/ssh.ts'
import { throttle } from './throttle/throttle.ts'

/** In the order in which QEMU lists them. */
export const DRIVERS: readonly Driver[] = [
  blkdebug,
  blklogwrites,
  blkverify,
  bochs,
  compress,
  copyBeforeWrite,
  copyOnRead,
  detectZeroes,
  file,
  snapshotAccess,
  hostDevice,
  nbd,
  nullAio,
  nullCo,
  preallocate,
  qcow2,
  quorum,
  raw,
  rbd,
  ssh,
  throttle,
]
