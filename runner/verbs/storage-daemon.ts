/** `blockspec storage-daemon`: the built-in engine with the options of the real daemon. */
import { toolOutput, type PassThrough } from './verb.ts'

export const storageDaemon: PassThrough = {
  name: 'storage-daemon',
  async passThrough(argv, shell) {
    const engine = await import('../../engine/index.ts')
    const about = { ...toolOutput(shell), program: 'blockspec storage-daemon' }
    return engine.storageDaemon(engine.createRealHost(), argv, about)
  },
}
