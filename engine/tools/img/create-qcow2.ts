/** `img create -f qcow2`. */
import { checkValue } from '../../block/check.ts'
import { opt, shape } from '../../block/option.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../../block/permission.ts'
import { CREATE_OPTIONS, createImage, type CreateOptions } from '../../drivers/qcow2/create.ts'
import type { Host } from '../../host/host.ts'
import { EngineProcess } from '../../qmp/engine.ts'
import { run } from '../../util/routine.ts'
import type { Json } from '../../util/json.ts'
import type { CreateValues } from './create-options.ts'

const OPTIONS_SCHEMA = shape.struct('BlockdevCreateOptionsQcow2', {
  ...CREATE_OPTIONS,
  // Words on a command line are looked at elsewhere.
  'backing-fmt': opt.str({ optional: true, doc: 'Format of the backing image.' }),
})
const VERSIONS: Readonly<Record<string, string>> = { '0.10': 'v2', '1.1': 'v3' }

/** @throws {BlockError} The file is there then and holds no image. */
export async function createQcow2(
  host: Host,
  filename: string,
  values: CreateValues,
  log: (line: string) => void,
): Promise<void> {
  const options = createOptions(values)
  const made = host.files.open(filename, { write: true, create: true })
  made.truncate(0)
  made.close()
  const engine = new EngineProcess({ host })
  try {
    const node = await engine.graph.addFilename(filename, {
      format: 'file',
      options: { 'node-name': 'file' },
    })
    await using user = engine.graph.attach(node, {
      uses: CONSISTENT_READ | WRITE | RESIZE,
      shares: ALL_PERMISSIONS & ~(WRITE | RESIZE),
      writesPastEnd: true,
    })
    await run(createImage(options, user, { log, compression: host.compression }))
  } finally {
    await engine.shutdown()
  }
}

/** The same as `blockdev-create` takes them, checked as there. */
function createOptions(values: CreateValues): CreateOptions {
  const compat = values.text('compat')
  const members: [string, Json | undefined][] = [
    ['size', BigInt(alignedSize(values.size))],
    ['version', compat === undefined ? undefined : (VERSIONS[compat] ?? compat)],
    ['backing-file', values.text('backing_file')],
    ['backing-fmt', values.text('backing_fmt')],
    ['data-file-raw', values.flag('data_file_raw')],
    ['extended-l2', values.flag('extended_l2')],
    ['cluster-size', bigintOrUndefined(values.number('cluster_size'))],
    ['preallocation', values.text('preallocation')],
    ['lazy-refcounts', values.flag('lazy_refcounts')],
    ['refcount-bits', bigintOrUndefined(values.number('refcount_bits'))],
    ['compression-type', values.text('compression_type')],
  ]
  const given = members.filter((member): member is [string, Json] => member[1] !== undefined)
  const checked = checkValue(OPTIONS_SCHEMA, new Map(given), 'json')
  // The schema is that of these very members.
  return checked as CreateOptions
}

const SECTOR = 512

function alignedSize(bytes: number): number {
  return Math.ceil(bytes / SECTOR) * SECTOR
}

function bigintOrUndefined(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value)
}
