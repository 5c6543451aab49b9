/** What has to be loaded for reading scenarios alone. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { build } from 'esbuild'

describe('the language with all kinds of step', () => {
  it('is loaded without the engine, so that checking a scenario starts fast', async () => {
    const { metafile } = await build({
      entryPoints: ['runner/language.ts'],
      absWorkingDir: join(import.meta.dirname, '..'),
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
    })
    const loaded = Object.keys(metafile.inputs)
    assert.ok(loaded.includes('engine/client.ts') && loaded.includes('runner/steps/io.ts'))
    const heavy = loaded.filter((path) => /^engine\/(?!client\.ts|util\/|nbd\/)/.test(path))
    assert.deepEqual(heavy, [])
  })
})
