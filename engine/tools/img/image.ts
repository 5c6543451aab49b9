/** An image file, opened as a node of a graph of its own. */
import { checkValue } from '../../block/check.ts'
import type { ImageInfo, NodeInfo, User } from '../../graph/graph.ts'
import { CONSISTENT_READ, RESIZE, WRITE } from '../../block/permission.ts'
import { ALL_PERMISSIONS } from '../../block/permission.ts'
import type { Host } from '../../host/host.ts'
import { EngineProcess } from '../../qmp/engine.ts'
import { parseJsonText } from '../../qmp/json/text.ts'
import { blockdevOptions } from '../../qmp/schema/blockdev.ts'
import { BlockError } from '../../util/errors.ts'
import type { Json } from '../../util/json.ts'
import { parseKeyval } from '../keyval.ts'
import type { CacheMode } from './command-line.ts'
import { ImgFailure } from './command-line.ts'
import { probeFormat } from './probe.ts'

export interface OpenRequest {
  readonly name: string
  readonly format?: string | undefined
  /** The name is `key=value` pairs. */
  readonly imageOpts?: boolean
  readonly forceShare?: boolean
  readonly writable?: boolean
  readonly cache?: CacheMode | undefined
  /** Exit status where it cannot be opened. */
  readonly failureStatus?: number
  /** Gets what is said about a format that had to be guessed. */
  readonly warn?: (text: string) => void
}

export interface Image {
  readonly user: User
  readonly info: NodeInfo
  readonly details: ImageInfo
  close(): Promise<void>
}

/** Name of the node; nobody sees it. */
const NODE = 'image'

/** @throws {ImgFailure} `Could not open 'NAME': …` */
export async function openImage(host: Host, request: OpenRequest): Promise<Image> {
  const engine = new EngineProcess({ host })
  try {
    const options = await optionsOf(host, engine, request)
    const node = await engine.graph.add({
      ...options,
      'node-name': NODE,
      'read-only': request.writable !== true,
      ...(request.cache === undefined ? {} : { cache: request.cache }),
      ...(request.forceShare === true ? { 'force-share': true } : {}),
    })
    const user = engine.graph.attach(node, {
      uses: request.writable === true ? CONSISTENT_READ | WRITE | RESIZE : CONSISTENT_READ,
      shares: ALL_PERMISSIONS & ~(request.writable === true ? RESIZE : 0),
    })
    const info = engine.graph.info(node)
    return {
      user,
      info,
      details: info.image,
      async close() {
        await user.close()
        await engine.shutdown()
      },
    }
  } catch (error) {
    await engine.shutdown()
    if (!(error instanceof BlockError)) throw error
    const hint = error.hint === undefined ? '' : `${error.hint}\n`
    throw new ImgFailure(
      `Could not open '${request.name}': ${error.message}`,
      request.failureStatus ?? 1,
      hint,
    )
  }
}

async function optionsOf(
  host: Host,
  engine: EngineProcess,
  request: OpenRequest,
): Promise<Readonly<Record<string, unknown>>> {
  const { name } = request
  if (request.imageOpts === true) return checked(engine, parseKeyval(name, 'file').value, 'keyval')
  if (name.startsWith('json:')) return checked(engine, jsonOptions(name.slice(5)), 'json')
  const filename = plainName(name)
  const file = { driver: 'file', filename }
  const format = request.format ?? (await probeFormat(host, filename))
  if (request.format === undefined && format === 'raw') request.warn?.(guessWarning(name))
  if (format === 'file') return file
  if (format === 'raw') return { driver: 'raw', file }
  if (UNBUILT_FORMATS.has(format)) throw new BlockError(`format '${format}' is not built yet`)
  throw new BlockError(`Unknown driver '${format}'`)
}

/** Formats that QEMU has and we not yet. */
const UNBUILT_FORMATS = new Set([
  'bochs',
  'cloop',
  'dmg',
  'luks',
  'parallels',
  'qcow',
  'qcow2',
  'qed',
  'vdi',
  'vhdx',
  'vmdk',
  'vpc',
])

function jsonOptions(text: string): Json {
  let value: Json
  try {
    value = parseJsonText(text)
  } catch (error) {
    if (error instanceof BlockError) {
      throw BlockError.prepend('Could not parse the JSON options', error)
    }
    throw error
  }
  if (!(value instanceof Map)) throw new BlockError('Invalid JSON object given')
  return value
}

function checked(
  engine: EngineProcess,
  value: Json,
  wire: 'json' | 'keyval',
): Readonly<Record<string, unknown>> {
  const driver =
    value instanceof Map ? (value as ReadonlyMap<string, Json>).get('driver') : undefined
  if (driver === undefined) throw new BlockError('Must specify either driver or file')
  if (typeof driver === 'string' && !engine.drivers.some(({ name }) => name === driver)) {
    throw new BlockError(
      UNBUILT_FORMATS.has(driver)
        ? `format '${driver}' is not built yet`
        : `Unknown driver '${driver}'`,
    )
  }
  // A union checks to an object, never to anything else.
  return checkValue(blockdevOptions(engine.drivers), withFileDriver(value), wire) as Readonly<
    Record<string, unknown>
  >
}

/** `file.filename` alone means the driver `file`. */
function withFileDriver(value: Json): Json {
  if (!(value instanceof Map)) return value
  const members = value as ReadonlyMap<string, Json>
  const file = members.get('file')
  if (!(file instanceof Map) || file.has('driver') || !file.has('filename')) return value
  return new Map([
    ...members,
    ['file', new Map([...(file as Map<string, Json>), ['driver', 'file']])],
  ])
}

/** Without the `file:` that may stand before it. */
export function plainName(name: string): string {
  const protocol = /^([a-zA-Z][a-zA-Z0-9+._-]*):/.exec(name)?.[1]
  if (protocol === undefined) return name
  if (protocol === 'file') return name.slice('file:'.length)
  if (/^nbd(\+unix|\+tcp|s)?$/.test(protocol)) {
    throw new BlockError(`protocol '${protocol}' is not built yet in file names`)
  }
  throw new BlockError(`Unknown protocol '${protocol}'`)
}

function guessWarning(name: string): string {
  return `WARNING: Image format was not specified for '${name}' and probing guessed raw.\n         Automatically detecting the format is dangerous for raw images, write operations on block 0 will be restricted.\n         Specify the 'raw' format explicitly to remove the restrictions.\n`
}
