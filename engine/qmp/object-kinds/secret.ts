/** `secret`: a password or key, given as it is or as the name of a file. Nothing asks for it yet. */
import { opt, shape } from '../../block/option.ts'
import type { Files } from '../../host/host.ts'
import { BlockError, errnoText } from '../../util/errors.ts'
import type { ObjectHost, ObjectProperty, ObjectType } from '../objects.ts'

const FORMATS = ['raw', 'base64'] as const
const FORMAT = shape.enum('QCryptoSecretFormat', FORMATS)
const VALID_BASE64 = /^[A-Za-z0-9+/=\n]*$/

const KEY_BYTES = 32

/** Longer files hold no secrets. */
const MAX_FILE_BYTES = 1024 * 1024

export const secretType: ObjectType = {
  name: 'secret',
  doc: 'A password or key.',
  parent: { name: 'secret_common', properties: ['loaded', 'format', 'keyid', 'iv'] },
  properties: {
    loaded: opt.bool({ optional: true, doc: 'Refused.', features: ['deprecated'] }),
    format: opt.of<(typeof FORMATS)[number] | undefined>(FORMAT)({
      optional: true,
      doc: 'How it is written; default raw.',
    }),
    keyid: opt.str({ optional: true, doc: 'Secret that decrypts this one: not built yet.' }),
    iv: opt.str({ optional: true, doc: 'With keyid.' }),
    data: opt.str({ optional: true, doc: 'The secret itself.' }),
    file: opt.str({ optional: true, doc: 'File that holds it.' }),
  },
  create(_id, given, host) {
    if (given['loaded'] !== undefined) {
      throw new BlockError("Property 'secret.loaded' is not writable")
    }
    const values = new Map(Object.entries(given))
    const secret: Secret = { bytes: undefined }
    return {
      instance: secret,
      properties: propertiesOf(values),
      isInUse: () => false,
      async complete() {
        secret.bytes = await load(values, host)
      },
    }
  },
}

interface Secret {
  /** Absent until it is loaded. */
  bytes: Uint8Array | undefined
}

type Text = string | undefined

async function load(
  values: ReadonlyMap<string, unknown>,
  { files, objectOrUndefined }: ObjectHost,
): Promise<Uint8Array> {
  // The declaration has checked that these are strings.
  const file = values.get('file') as Text
  const data = values.get('data') as Text
  if (file !== undefined && data !== undefined) {
    throw new BlockError("'file' and 'data' are mutually exclusive")
  }
  const bytes = data === undefined ? undefined : new TextEncoder().encode(data)
  if (file === undefined && bytes === undefined) {
    throw new BlockError("Either 'file' or 'data' must be provided")
  }
  const given = bytes ?? (await readFile(files, file ?? ''))
  const key = values.get('keyid') as Text
  if (key !== undefined) refuseKey(key, objectOrUndefined(key))
  return values.get('format') === 'base64' ? decodeBase64(given) : given
}

/** Says what is wrong with the key before it says that keys are not built. */
function refuseKey(id: string, found: ReturnType<ObjectHost['objectOrUndefined']>): never {
  if (found === undefined) throw new BlockError(`No secret with id '${id}'`)
  if (found.type !== secretType.name) throw new BlockError(`Object with id '${id}' is not a secret`)
  // The registry has this from `create` above.
  const { bytes } = found.instance as Secret
  if (bytes === undefined) throw new BlockError(`Secret with id '${id}' has no data`)
  if (bytes.length !== KEY_BYTES) {
    throw new BlockError('Key should be 32 bytes in length')
  }
  throw new BlockError('keyid of a secret: not built yet')
}

function decodeBase64(bytes: Uint8Array): Uint8Array {
  const text = new TextDecoder().decode(bytes)
  if (!VALID_BASE64.test(text)) throw new BlockError('Base64 data contains invalid characters')
  return Uint8Array.from(Buffer.from(text, 'base64'))
}

async function readFile(files: Files, path: string): Promise<Uint8Array> {
  const failed = (what: string, error: unknown): never => {
    if (!(error instanceof BlockError)) throw error
    throw new BlockError(
      `Unable to read ${path}: ${what} \u201C${path}\u201D: ${errnoText(error.errno)}`,
    )
  }
  const opened = ((): ReturnType<Files['open']> => {
    try {
      return files.open(path, { write: false })
    } catch (error) {
      return failed('Failed to open file', error)
    }
  })()
  try {
    if (opened.length() > MAX_FILE_BYTES) throw new BlockError('too large', { errno: 'EFBIG' })
    const bytes = new Uint8Array(opened.length())
    await opened.read(0, bytes)
    return bytes
  } catch (error) {
    return failed('Error reading file', error)
  } finally {
    opened.close()
  }
}

function propertiesOf(values: Map<string, unknown>): ReadonlyMap<string, ObjectProperty> {
  const string = (name: string): [string, ObjectProperty] => [
    name,
    {
      type: 'string',
      schema: shape.str,
      get: () => values.get(name) ?? '',
      set: (value) => values.set(name, value),
    },
  ]
  const format: ObjectProperty = {
    type: FORMAT.name,
    schema: FORMAT,
    get: () => values.get('format') ?? 'raw',
    set: (value) => values.set('format', value),
  }
  const loaded: ObjectProperty = {
    type: 'bool',
    schema: shape.bool,
    readOnly: true,
    get: () => true,
    set: () => undefined,
  }
  const strings = ['keyid', 'iv', 'data', 'file'].map(string)
  return new Map([...strings, ['format', format], ['loaded', loaded]])
}
