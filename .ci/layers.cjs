/** Who may import whom. A folder may import itself, and of the others only what is listed here. */

const LAYERS = {
  'engine/util': [],
  'engine/profiles': [],
  'engine/host': ['engine/util'],
  'engine/block': ['engine/util', 'engine/host', 'engine/profiles'],
  'engine/nbd': ['engine/util', 'engine/host'],
  'engine/bitmap': ['engine/util', 'engine/block'],
  'engine/copy': ['engine/util', 'engine/host/host.ts', 'engine/block', 'engine/bitmap/bitmap.ts'],
  'engine/graph': ['engine/util', 'engine/host', 'engine/block', 'engine/profiles'],
  'engine/io': ['engine/util', 'engine/host', 'engine/block', 'engine/graph', 'engine/bitmap'],
  'engine/drivers': [
    'engine/util',
    'engine/host/host.ts',
    'engine/block',
    'engine/nbd',
    // The same copying for drivers and jobs, and the sets of clusters that it works on.
    'engine/copy',
    'engine/bitmap/bitmap.ts',
  ],
  'engine/throttle': ['engine/util', 'engine/host/host.ts', 'engine/block'],
  'engine/exports': [
    'engine/util',
    'engine/host',
    'engine/block',
    'engine/graph',
    'engine/io',
    'engine/nbd',
    'engine/bitmap',
  ],
  'engine/jobs': [
    'engine/util',
    'engine/host',
    'engine/block',
    'engine/graph',
    'engine/io',
    'engine/bitmap',
    'engine/copy',
    'engine/profiles',
  ],
  'engine/qmp': ['engine/(?!tools/|index)'],
  'engine/tools': ['engine/(?!index)'],
  'engine/client.ts': ['engine/util', 'engine/nbd'],
  'engine/index.ts': ['engine/'],
  dsl: [],
  // `client.ts` is what of the engine a verb may load that plays nothing.
  runner: ['dsl/', 'engine/index.ts', 'engine/client.ts'],
}

/** Tests and what only they import. */
const TEST_CODE = '(\\.test|/testing)\\.ts$'

const own = Object.entries(LAYERS).map(([folder, allowed]) => ({
  name: `${folder.replace('/', '-')} imports only what lies below it`,
  severity: 'error',
  from: { path: `^${folder}`, pathNot: TEST_CODE },
  to: {
    path: '^(engine|dsl|runner|bench)/',
    pathNot: [`^${folder}`, ...allowed.map((path) => `^${path}`)],
  },
}))

module.exports = {
  forbidden: [
    ...own,
    {
      name: 'no value-level cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'only the host reaches the outside world',
      severity: 'error',
      from: { path: '^engine/', pathNot: ['^engine/host/', '^engine/tools/', TEST_CODE] },
      to: { dependencyTypes: ['core'], pathNot: '^(assert|crypto|module|stream|zlib)$' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node'] },
  },
}
