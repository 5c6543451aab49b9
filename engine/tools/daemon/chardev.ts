/** Character devices: each gives its monitor one stream, or for a listening socket one at a time. */
import type { ByteStream, Host, Listener, SocketAddress } from '../../host/host.ts'
import { checkAddress, connectFailure, listenFailure, portNumber } from '../../nbd/address.ts'
import type { Chardev } from '../../qmp/parts.ts'
import { BlockError } from '../../util/errors.ts'
import type { ChardevOptions } from './chardev-options.ts'
import { isOn } from './chardev-options.ts'

export interface OpenChardev extends Chardev {
  /** Serves what connects from now on; what connected before comes first. */
  serve(open: (stream: ByteStream) => void): void
  close(): void
}

export interface ChardevContext {
  readonly host: Host
  stdio(options: { readonly signals: boolean }): ByteStream
  readonly daemonize: boolean
  /** Whether another device has standard input and output. */
  readonly stdioTaken: boolean
  /** Says what is being waited for. */
  readonly info: (text: string) => void
}

const BACKENDS = ['null', 'socket', 'stdio'] as const
/** QEMU's other backends. */
const UNBUILT = ['file', 'memory', 'mux', 'parallel', 'pipe', 'pty', 'ringbuf', 'serial', 'udp']

/** Keys that each backend gives a meaning here; others of its are refused rather than ignored. */
const MEANT: Readonly<Record<(typeof BACKENDS)[number], readonly string[]>> = {
  null: [],
  socket: ['host', 'path', 'port', 'server', 'wait'],
  stdio: ['signal'],
}

export function backendHelp(): string {
  return `Available chardev backend types: \n${BACKENDS.map((name) => `  ${name}\n`).join('')}`
}

export async function openChardev(
  options: ChardevOptions,
  context: ChardevContext,
): Promise<OpenChardev> {
  const { id } = options
  if (id === undefined) throw new BlockError('chardev: no id specified')
  const name = options.values.get('backend')
  if (name === undefined) throw new BlockError(`chardev: "${id}" missing backend`)
  const backend = BACKENDS.find((known) => known === name)
  if (backend === undefined) {
    throw new BlockError(
      UNBUILT.includes(name)
        ? `chardev backend '${name}' is not built yet`
        : `'${name}' is not a valid char driver name`,
    )
  }
  refuseUnbuilt(backend, options)
  if (backend === 'null') return nullChardev(id)
  if (backend === 'stdio') return stdioChardev(id, options, context)
  return isOn(options, 'server', false)
    ? listen(id, options, context)
    : connect(id, options, context)
}

function refuseUnbuilt(backend: (typeof BACKENDS)[number], options: ChardevOptions): void {
  for (const key of options.values.keys()) {
    if (key === 'backend' || MEANT[backend].includes(key)) continue
    throw new BlockError(`chardev option '${key}' is not built yet for backend '${backend}'`)
  }
}

function nullChardev(id: string): OpenChardev {
  return {
    label: id,
    backend: 'null',
    filename: 'null',
    frontendOpen: true,
    serve: () => undefined,
    close: () => undefined,
  }
}

function stdioChardev(id: string, options: ChardevOptions, context: ChardevContext): OpenChardev {
  if (context.daemonize) throw new BlockError('cannot use stdio with -daemonize')
  if (context.stdioTaken) throw new BlockError('cannot use stdio by multiple character devices')
  return {
    label: id,
    backend: 'stdio',
    filename: 'stdio',
    frontendOpen: true,
    serve: (open) => open(context.stdio({ signals: isOn(options, 'signal', true) })),
    close: () => undefined,
  }
}

function addressOf(options: ChardevOptions): ChardevAddress {
  const path = options.values.get('path')
  const host = options.values.get('host')
  const port = options.values.get('port')
  if (path !== undefined && host !== undefined) {
    throw new BlockError("None or one of 'path', 'fd' or 'host' option required.")
  }
  if (path !== undefined) return { type: 'unix', path }
  if (host === undefined) throw new BlockError('Unable to parse FD number ')
  if (port === undefined) throw new BlockError('chardev: socket: no port given')
  return { type: 'inet', host, port: portNumber(host, port) }
}

/** Chardevs have no addresses of other kinds. */
type ChardevAddress = Exclude<SocketAddress, { readonly type: 'vsock' }>

function addressText(address: ChardevAddress): string {
  return address.type === 'unix'
    ? `unix:${address.path}`
    : `tcp:${address.host}:${String(address.port)}`
}

async function connect(
  id: string,
  options: ChardevOptions,
  { host }: ChardevContext,
): Promise<OpenChardev> {
  const address = addressOf(options)
  if (options.values.has('wait')) {
    throw new BlockError("'wait' option is incompatible with socket in client connect mode")
  }
  checkAddress(address)
  const stream = await host.sockets.connect(address).catch((error: unknown) => {
    throw connectFailure(address, error)
  })
  return {
    label: id,
    backend: 'socket',
    filename: addressText(address),
    frontendOpen: true,
    serve: (open) => open(stream),
    close: () => stream.end(),
  }
}

async function listen(
  id: string,
  options: ChardevOptions,
  { host, info }: ChardevContext,
): Promise<OpenChardev> {
  const address = addressOf(options)
  checkAddress(address)
  const queue = new ClientQueue()
  const listener: Listener = await host.sockets
    .listen(address, (stream) => queue.add(stream))
    .catch((error: unknown) => {
      throw listenFailure(address, error)
    })
  const filename = `disconnected:${addressText(address)},server=on`
  if (isOn(options, 'wait', true)) {
    info(`info: QEMU waiting for connection on: ${filename}`)
    await queue.first()
  }
  return {
    label: id,
    backend: 'socket',
    get filename() {
      return queue.busy ? `${addressText(address)},server=on` : filename
    },
    frontendOpen: true,
    serve: (open) => queue.serve(open),
    close() {
      listener.close()
      queue.close()
    },
  }
}

/** Clients of a listening socket: one is served, the others wait until it goes. */
class ClientQueue {
  #waiting: ByteStream[] = []
  #open: ((stream: ByteStream) => void) | undefined
  #arrived: (() => void) | undefined
  busy = false

  add(stream: ByteStream): void {
    this.#waiting.push(stream)
    this.#arrived?.()
    this.#next()
  }

  first(): Promise<void> {
    if (this.#waiting.length > 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#arrived = resolve
    })
  }

  serve(open: (stream: ByteStream) => void): void {
    this.#open = open
    this.#next()
  }

  close(): void {
    for (const stream of this.#waiting) stream.destroy()
    this.#waiting = []
  }

  #next(): void {
    if (this.busy || this.#open === undefined) return
    const stream = this.#waiting.shift()
    if (stream === undefined) return
    this.busy = true
    this.#open(
      watched(stream, () => {
        this.busy = false
        this.#next()
      }),
    )
  }
}

/** The stream, with one more that hears of its end. */
function watched(stream: ByteStream, over: () => void): ByteStream {
  let told = false
  const tell = (): void => {
    if (told) return
    told = true
    over()
  }
  return {
    onData: (reader) => stream.onData(reader),
    onEnd: (reader) =>
      stream.onEnd(() => {
        reader()
        tell()
      }),
    write: (chunk) => stream.write(chunk),
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    end: () => stream.end(),
    destroy() {
      stream.destroy()
      tell()
    },
  }
}
