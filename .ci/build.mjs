/**
 * Bundles the command line into dist/: one small entry that starts fast, and a chunk for each verb
 * that is loaded when the verb is called. Scenarios and goldens are read from their folders, and
 * koffi and ssh2, which are loaded when they are wanted, from node_modules.
 */
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { sharedShapes } from './shared-shapes.mjs'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const dist = join(root, 'dist')

const { outputFiles } = await build({
  write: false,
  absWorkingDir: root,
  // Workers are files of their own, as threads start from one.
  entryPoints: {
    blockspec: 'runner/main.ts',
    worker: 'runner/worker.ts',
    'fuzz-worker': 'runner/fuzz/worker.ts',
  },
  outdir: dist,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  chunkNames: 'chunks/[name]-[hash]',
  external: ['koffi', 'ssh2'],
  plugins: [sharedShapes],
  define: { BLOCKSPEC_VERSION: JSON.stringify(version) },
  // `using` and other new syntax is lowered for Node 20; names stay readable in stack traces.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'eof',
  banner: {
    // CommonJS packages in the bundle ask for `require`.
    js: [
      "import { createRequire as __blockspecRequire } from 'node:module'",
      'const require = __blockspecRequire(import.meta.url)',
    ].join(';'),
  },
  logLevel: 'warning',
})

// Only now, so that a build that fails leaves the last good one.
rmSync(dist, { recursive: true, force: true })
for (const { path, contents } of outputFiles) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, contents)
}

const bin = join(dist, 'blockspec.js')
// The variable makes Node read every certificate of the machine at each start, for nothing.
writeFileSync(bin, `#!/usr/bin/env -S -u NODE_EXTRA_CA_CERTS node\n${readFileSync(bin, 'utf8')}`)
chmodSync(bin, 0o755)
