/** `blockspec img`: image files with the built-in engine, in the words of the real tool. */
import { toolOutput, type PassThrough } from './verb.ts'

export const img: PassThrough = {
  name: 'img',
  async passThrough(argv, shell) {
    const engine = await import('../../engine/index.ts')
    return engine.img(engine.createRealHost(), argv, toolOutput(shell))
  },
}
