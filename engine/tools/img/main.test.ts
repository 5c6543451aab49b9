/** `img` on files of a simulated host: what each command line prints, and its status. */
import assert from 'node:assert/strict'
import { WRITE } from '../../block/permission.ts'
import { createSimHost } from '../../host/sim/index.ts'
import type { SimHost } from '../../host/sim/index.ts'
import { EngineProcess } from '../../qmp/engine.ts'
import { img } from './main.ts'
import { sizeText } from './size.ts'

interface Outcome {
  readonly status: number
  readonly output: string
  readonly errors: string
}

async function run(host: SimHost, line: string | readonly string[]): Promise<Outcome> {
  let output = ''
  let errors = ''
  const argv = typeof line === 'string' ? line.split(' ') : line
  const work = img(host, argv, {
    stdout: (text) => {
      output += text
    },
    stderr: (text) => {
      errors += text
    },
  })
  return { status: await host.run(work), output, errors }
}

/** A file with the given bytes at the given offsets. */
async function put(
  host: SimHost,
  name: string,
  bytes: number,
  ...writes: readonly (readonly [offset: number, data: Uint8Array])[]
): Promise<void> {
  const file = host.files.open(name, { write: true, create: true })
  file.truncate(bytes)
  for (const [offset, data] of writes) await file.write(offset, data)
  file.close()
}

function filled(bytes: number, value: number): Uint8Array {
  return new Uint8Array(bytes).fill(value)
}

async function hostWithImages(): Promise<SimHost> {
  const host = createSimHost()
  await put(host, 'hole', 65536)
  await put(host, 'x5000', 65536, [5000, filled(1, 120)])
  await put(host, 'zeroes', 65536, [0, filled(4096, 0)])
  await put(host, 'long', 131072, [100000, filled(1, 121)])
  await put(host, 'odd', 1000, [0, filled(1000, 97)])
  await put(host, 'empty', 0)
  await put(host, 'qcow2', 512, [0, Uint8Array.of(0x51, 0x46, 0x49, 0xfb, 0, 0, 0, 3)])
  return host
}

const HELP = "Try 'qemu-img --help' for more information\n"
const SUFFIXES =
  'You may use k, M, G, T, P or E suffixes for\nqemu-img: kilobytes, megabytes, gigabytes, terabytes, petabytes and exabytes.\n'
const SHRINK =
  "Use the --shrink option to perform a shrink operation.\nqemu-img: warning: Shrinking an image will delete all data beyond the shrunken image's end. Before performing such an operation, make sure there is no important data there.\n"

/** Observed on qemu-img 7.2, but for what says that it is not built. */
const OUTPUTS: readonly (readonly [line: string, output: string, status?: number])[] = [
  [
    'create -f raw -o help',
    'Supported raw options:\n  size=<size>            - Virtual disk size\n\nThe protocol level may support further options.\nSpecify the target filename to include those options.\n',
  ],
  ['create -f raw a.raw 1M', "Formatting 'a.raw', fmt=raw size=1048576\n"],
  ['create a.raw 1.5k', "Formatting 'a.raw', fmt=raw size=1536\n"],
  ['create -f raw -o size=5k a.raw', "Formatting 'a.raw', fmt=raw size=5120\n"],
  [
    'create -f raw -o preallocation=full a.raw 64k',
    "Formatting 'a.raw', fmt=raw size=65536 preallocation=full\n",
  ],
  ['create -q -f raw a.raw 1M', ''],
  [
    'info hole',
    'image: hole\nfile format: raw\nvirtual size: 64 KiB (65536 bytes)\ndisk size: 0 B\n',
  ],
  [
    'info -f raw odd',
    'image: odd\nfile format: raw\nvirtual size: 1 KiB (1024 bytes)\ndisk size: 4 KiB\n',
  ],
  [
    'info file:odd',
    'image: odd\nfile format: raw\nvirtual size: 1 KiB (1024 bytes)\ndisk size: 4 KiB\n',
  ],
  [
    'info -f file odd',
    'image: odd\nfile format: file\nvirtual size: 1 KiB (1024 bytes)\ndisk size: 4 KiB\n',
  ],
  [
    'info --image-opts driver=raw,file.filename=odd',
    'image: odd\nfile format: raw\nvirtual size: 1 KiB (1024 bytes)\ndisk size: 4 KiB\n',
  ],
  [
    'info --output=json hole',
    '{\n    "virtual-size": 65536,\n    "filename": "hole",\n    "format": "raw",\n    "actual-size": 0,\n    "dirty-flag": false\n}\n',
  ],
  [
    'info json:{"driver":"null-co","size":1048576}',
    'image: json:{"driver": "null-co", "size": 1048576}\nfile format: null-co\nvirtual size: 1 MiB (1048576 bytes)\ndisk size: 0 B\n',
  ],
  [
    'map odd',
    'Offset          Length          Mapped to       File\n0               0x3e8           0               odd\n',
  ],
  [
    'map --output=json odd',
    '[{ "start": 0, "length": 1000, "depth": 0, "present": true, "zero": false, "data": true, "offset": 0},\n{ "start": 1000, "length": 24, "depth": 0, "present": true, "zero": true, "data": false, "offset": 1000}]\n',
  ],
  [
    'map -s 4k -l 8k --output=json x5000',
    '[{ "start": 4096, "length": 4096, "depth": 0, "present": true, "zero": false, "data": true, "offset": 4096},\n{ "start": 8192, "length": 4096, "depth": 0, "present": true, "zero": true, "data": false, "offset": 8192}]\n',
  ],
  [
    'map --output=json empty',
    '[{ "start": 0, "length": 0, "depth": 0, "present": false, "zero": false, "data": false}]\n',
  ],
  [
    'map --output=json json:{"driver":"null-co","size":1048576}',
    '[{ "start": 0, "length": 1048576, "depth": 0, "present": false, "zero": false, "data": false}]\n',
  ],
  ['compare hole zeroes', 'Images are identical.\n'],
  ['compare hole x5000', 'Content mismatch at offset 4608!\n', 1],
  ['compare -s hole zeroes', 'Strict mode: Offset 0 block status mismatch!\n', 1],
  ['compare -s hole long', 'Strict mode: Image size mismatch!\n', 1],
  ['compare hole long', 'Warning: Image size mismatch!\nContent mismatch at offset 99840!\n', 1],
  ['compare hole empty', 'Warning: Image size mismatch!\nImages are identical.\n'],
  ['compare -q hole long', '', 1],
  ['resize -f raw hole 128k', 'Image resized.\n'],
  ['resize -f raw hole +1', 'Image resized.\n'],
  ['resize -f raw --shrink hole -1k', 'Image resized.\n'],
  ['resize -q -f raw hole 128k', ''],
]

const REFUSED: readonly (readonly [line: string, error: string, status?: number])[] = [
  ['create', `Expecting image file name\n${HELP}`],
  ['create -f raw d', 'd: Image creation needs a size parameter\n'],
  ['create -f raw -o size=5k d 6k', 'd: The image size must be specified only once\n'],
  ['create -f raw -o foo=bar d 1M', "d: Invalid parameter 'foo'\n"],
  ['create -f raw d 1Q', `Invalid image size specified. ${SUFFIXES}`],
  [
    'create -f raw d 8E',
    'Invalid image size specified. Must be between 0 and 9223372036854775807.\n',
  ],
  ['create -f raw d -1', `unrecognized option '-1'\n${HELP}`],
  ['create -f raw d 1M 2M', `Unexpected argument: 2M\n${HELP}`],
  ['create -f zz d 1M', "d: Unknown file format 'zz'\n"],
  ['create -f vdi d 1M', "d: Making images of format 'vdi' is not built yet\n"],
  ['create -f raw -b hole -F raw d', "d: Backing file not supported for file format 'raw'\n"],
  ['create -f raw zz:d 1M', "zz:d: Unknown protocol 'zz'\n"],
  ['create -f', `missing argument for option '-f'\n${HELP}`],
  ['info', `Expecting one image file name\n${HELP}`],
  ['info hole odd', `Expecting one image file name\n${HELP}`],
  ['info nosuch', "Could not open 'nosuch': Could not open 'nosuch': No such file or directory\n"],
  ['info -f zz hole', "Could not open 'hole': Unknown driver 'zz'\n"],
  ['info -f qcow2 hole', "Could not open 'hole': Image is not in qcow2 format\n"],
  ['info qcow2', "Could not open 'qcow2': Unsupported cluster size: 2^0\n"],
  ['info zz:hole', "Could not open 'zz:hole': Unknown protocol 'zz'\n"],
  [
    'info json:{',
    "Could not open 'json:{': Could not parse the JSON options: JSON parse error, premature EOI\n",
  ],
  ['info json:[1]', "Could not open 'json:[1]': Invalid JSON object given\n"],
  ['info json:{"driver":"zz"}', `Could not open 'json:{"driver":"zz"}': Unknown driver 'zz'\n`],
  ['info --output=xx hole', '--output must be used with human or json as argument.\n'],
  ['info --image-opts -f raw x', '--image-opts and --format are mutually exclusive\n'],
  ['check hole', 'This image format does not support checks\n', 63],
  ['check -f raw --output=json hole', 'This image format does not support checks\n', 63],
  ['check -r zz hole', `Unknown option value for -r (expecting 'leaks' or 'all'): zz\n${HELP}`],
  ['check -T zz hole', 'Invalid source cache option: zz\n'],
  ['map -s zz hole', `Invalid start offset specified. ${SUFFIXES}`],
  ['map -l zz hole', `Invalid max length specified. ${SUFFIXES}`],
  ['compare hole', `Expecting two image file names\n${HELP}`],
  [
    'compare hole nosuch',
    "Could not open 'nosuch': Could not open 'nosuch': No such file or directory\n",
    2,
  ],
  ['compare -F zz hole odd', "Could not open 'odd': Unknown driver 'zz'\n", 2],
  ['compare -T zz hole odd', 'Invalid source cache option: zz\n', 2],
  ['compare -p hole odd', "option '-p' is not built yet\n"],
  ['resize', `Not enough arguments\n${HELP}`],
  ['resize -f raw hole', `Expecting image file name and size\n${HELP}`],
  ['resize -f raw hole 1k', SHRINK],
  ['resize -f raw hole 0', 'New image size must be positive\n'],
  ['resize -f raw hole 9E', 'New image size must be positive\n'],
  ['resize -f raw hole 7E', 'Could not resize file: File too large\n'],
  ['resize -f raw hole -1M', 'New image size must be positive\n'],
  [
    'resize -f raw hole zz',
    "Parameter 'size' expects a non-negative number below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, mega-, giga-, tera-, peta-\nand exabytes, respectively.\n",
  ],
  ['resize -f raw --preallocation=zz hole 1M', "Invalid preallocation mode 'zz'\n"],
  [
    'resize -f raw --preallocation=full --shrink hole 1k',
    'Preallocation can only be used for growing images\n',
  ],
  ['convert', "command 'convert' is not built yet\n"],
  ['toString', `Command not found: toString\n${HELP}`],
  ['--zz', `unrecognized option '--zz'\n${HELP}`],
]

describe('img', () => {
  for (const [line, output, status = 0] of OUTPUTS) {
    it(`answers: ${line}`, async () => {
      const outcome = await run(await hostWithImages(), line)
      assert.deepEqual(outcome, { status, output, errors: '' })
    })
  }

  for (const [line, error, status = 1] of REFUSED) {
    it(`refuses: ${line}`, async () => {
      const outcome = await run(await hostWithImages(), line)
      assert.deepEqual(outcome, { status, output: '', errors: `qemu-img: ${error}` })
    })
  }

  it('asks for a command', async () => {
    const outcome = await run(createSimHost(), [])
    assert.deepEqual(outcome, {
      status: 1,
      output: '',
      errors: `qemu-img: Not enough arguments\n${HELP}`,
    })
  })

  it('warns before it writes to a raw image that nobody called raw', async () => {
    const host = await hostWithImages()
    const { status, errors } = await run(host, 'resize hole 128k')
    assert.equal(status, 0)
    assert.match(
      errors,
      /^WARNING: Image format was not specified for 'hole' and probing guessed raw\.\n/,
    )
  })

  it('creates whole sectors, the first one stored', async () => {
    const host = createSimHost()
    await run(host, 'create -f raw a 1234567')
    const { output } = await run(host, 'info a')
    assert.match(output, /\(1234944 bytes\)\ndisk size: 4 KiB\n$/)
  })

  it('empties what it creates anew', async () => {
    const host = await hostWithImages()
    await run(host, 'create -f raw odd 1024')
    assert.equal(
      (await run(host, 'compare odd empty')).output,
      'Warning: Image size mismatch!\nImages are identical.\n',
    )
  })

  it('leaves nothing of a file in which no image could be made', async () => {
    const host = await hostWithImages()
    const { status, errors } = await run(host, 'create -q -f qcow2 -o cluster_size=12345 odd 1M')
    const text = 'qemu-img: odd: Cluster size must be a power of two between 512 and 2048k\n'
    assert.deepEqual({ status, errors }, { status: 1, errors: text })
    assert.equal(host.files.exists('odd'), false)
  })

  it('does not touch a file that somebody has locked', async () => {
    const host = await hostWithImages()
    const before = host.files.content('odd')
    const engine = new EngineProcess({ host })
    await engine.graph.addFilename('odd', { format: 'raw', options: { 'node-name': 'r' } })
    await using _user = engine.graph.attach(engine.graph.find('r'), { uses: WRITE, shares: 0 })
    for (const format of ['raw', 'qcow2']) {
      const { errors } = await run(host, `create -q -f ${format} odd 1M`)
      const hint = 'Is another process using the image [odd]?\n'
      assert.equal(errors, `qemu-img: odd: Failed to get "write" lock\n${hint}`)
    }
    assert.deepEqual(host.files.content('odd'), before)
  })

  it('resizes the file itself', async () => {
    const host = await hostWithImages()
    await run(host, 'resize -f raw odd 2000')
    assert.match((await run(host, 'info odd')).output, /virtual size: 2 KiB \(2048 bytes\)/)
  })

  it('maps chains whose backing images are shorter', async () => {
    const host = createSimHost()
    await run(host, 'create -q -f qcow2 base 1M')
    await run(host, 'create -q -f qcow2 -b base -F qcow2 middle 1536k')
    await run(host, 'create -q -f qcow2 -b middle -F qcow2 top 2M')
    assert.deepEqual(await run(host, 'map --output=json top'), {
      status: 0,
      output:
        '[{ "start": 0, "length": 1048576, "depth": 2, "present": false, "zero": true, "data": false},\n{ "start": 1048576, "length": 524288, "depth": 1, "present": false, "zero": true, "data": false},\n{ "start": 1572864, "length": 524288, "depth": 0, "present": false, "zero": true, "data": false}]\n',
      errors: '',
    })
  })

  describe('in a profile', () => {
    const OPTS = '--image-opts driver=qcow2,file.driver=file,file.filename=a,backing='
    const LINES = [
      `check ${OPTS}`,
      `compare ${OPTS} driver=qcow2,file.driver=file,file.filename=a`,
      `info ${OPTS}`,
      `map ${OPTS}`,
      `resize ${OPTS} 2M`,
    ]
    const told = /"backing": "" names no node/
    for (const line of LINES) {
      it(`has its behaviour: ${line}`, async () => {
        const host = createSimHost()
        await run(host, 'create -q -f qcow2 a 1M')
        for (const profile of ['note', 'note-transition']) {
          const [command = '', ...rest] = line.split(' ')
          const refused = await run(host, [command, '--profile', profile, ...rest])
          assert.notEqual(refused.status, 0)
          assert.match(refused.errors, told)
          const first = await run(host, [`--profile=${profile}`, command, ...rest])
          assert.deepEqual(first, refused)
        }
        const allowed = await run(host, [...line.split(' '), '--profile', 'qemu'])
        assert.equal(allowed.status, 0)
      })
    }

    it('makes images', async () => {
      const host = createSimHost()
      const { status, errors } = await run(host, 'create --profile note -q -f qcow2 a 1M')
      assert.deepEqual({ status, errors }, { status: 0, errors: '' })
    })

    it('refuses those that there are not', async () => {
      const { status, errors } = await run(createSimHost(), 'info --profile legacy a')
      assert.equal(status, 1)
      assert.match(errors, /^qemu-img: there is no profile 'legacy'; profiles are qemu, /)
    })
  })

  it('tells what can be said of new images, for each driver that makes some', async () => {
    const { status, output } = await run(createSimHost(), 'create --schema')
    assert.equal(status, 0)
    const schema = JSON.parse(output) as Record<string, Record<string, { name: string }[]>>
    const namesOf = (driver: string, kind: string): string[] =>
      (schema[driver]?.[kind] ?? []).map(({ name }) => name)
    assert.deepEqual(namesOf('file', 'create'), [
      'filename',
      'size',
      'preallocation',
      'nocow',
      'extent-size-hint',
    ])
    assert.ok(namesOf('qcow2', 'create').includes('file'))
    assert.ok(namesOf('qcow2', 'options').includes('cluster_size'))
    assert.deepEqual(
      schema['qcow2']?.['create']?.find(({ name }) => name === 'version'),
      {
        name: 'version',
        type: 'BlockdevQcow2Version',
        values: ['v2', 'v3'],
        optional: true,
        doc: 'Version of the format; v3.',
      },
    )
  })

  it('lists for people what new images can be told, and says what is wrong with the rest', async () => {
    const { status, output } = await run(createSimHost(), 'create -f qcow2 -o help')
    assert.equal(status, 0)
    const [title, ...lines] = output.split('\n\n')[0]?.split('\n') ?? []
    assert.equal(title, 'Supported qcow2 options:')
    const names = lines.map((line) => /^ {2}([a-z0-9_.-]+)=<[^>]+> *- \S/.exec(line)?.[1])
    assert.deepEqual(names, names.toSorted())
    assert.ok(names.includes('cluster_size') && names.includes('size'))
    const refused = [
      ['-f qcow2 -o bogus=1 a 1M', "a: Invalid parameter 'bogus'"],
      ['-f qcow2 a', 'a: Image creation needs a size parameter'],
      ['-f compress a 1M', "a: Format driver 'compress' does not support image creation"],
      ['-f dmg a 1M', "a: Format driver 'dmg' does not support image creation"],
      ['-f dmg -o help', "Format driver 'dmg' does not support image creation"],
      ['-f zz -o help', "Unknown file format 'zz'"],
    ]
    for (const [words, text] of refused) {
      const host = createSimHost()
      const outcome = await run(host, `create ${words ?? ''}`)
      assert.deepEqual(outcome, { status: 1, output: '', errors: `qemu-img: ${text ?? ''}\n` })
      assert.equal(host.files.exists('a'), false)
    }
  })

  it('explains itself', async () => {
    const { status, output } = await run(createSimHost(), 'map --help')
    assert.equal(status, 0)
    assert.match(output, /^Usage: qemu-img/)
  })
})

describe('a size in print', () => {
  const SIZES: readonly (readonly [bytes: number, text: string])[] = [
    [0, '0 B'],
    [999, '999 B'],
    [1000, '0.977 KiB'],
    [1024, '1 KiB'],
    [1234944, '1.18 MiB'],
    [401408, '392 KiB'],
    [197120, '192 KiB'],
    [198144, '194 KiB'],
    [2 ** 53, '8 PiB'],
  ]
  for (const [bytes, text] of SIZES) {
    it(`of ${String(bytes)} bytes is ${text}`, () => {
      assert.equal(sizeText(bytes), text)
    })
  }
})
