/** An image file, opened as a node of a graph of its own. */
import { readAnyWords } from '../../block/image-words.ts'
import type { CheckAbout, CheckReport } from '../../block/driver.ts'
import { ALL_PERMISSIONS, CONSISTENT_READ, RESIZE, WRITE } from '../../block/permission.ts'
import type { Graph, GraphNode, ImageInfo, NodeInfo, User } from '../../graph/graph.ts'
import type { Host } from '../../host/host.ts'
import { EngineProcess } from '../../qmp/engine.ts'
import { BlockError } from '../../util/errors.ts'
import type { CacheMode, CommandLine, ImgContext } from './command-line.ts'
import { ImgFailure, reportFailure } from './command-line.ts'

export interface OpenRequest {
  readonly name: string
  readonly format?: string | undefined
  /** The name is `key=value` pairs. */
  readonly imageOpts?: boolean
  readonly forceShare?: boolean
  readonly writable?: boolean
  /** Only this image, not what shows through it. */
  readonly alone?: boolean
  /** It is opened to be checked: damage that keeps others out does not. */
  readonly forCheck?: boolean
  readonly cache?: CacheMode | undefined
  /** Exit status where it cannot be opened. */
  readonly failureStatus?: number
  /** What the message then begins with; default `Could not open 'NAME'`. */
  readonly failureText?: string
}

/** One image of a chain. */
export interface Layer {
  readonly user: User
  readonly info: NodeInfo
}

export interface Image {
  readonly graph: Graph
  readonly node: GraphNode
  readonly user: User
  readonly info: NodeInfo
  readonly details: ImageInfo
  /** The image and what shows through it, top first. */
  readonly layers: readonly Layer[]
  /** Nothing where the format has no checker. */
  check(about: CheckAbout): Promise<CheckReport> | undefined
  close(): Promise<void>
}

/** The image of that name, as `--format` and `--image-opts` have it. */
export function requestFor(name: string, line: CommandLine): OpenRequest {
  return { name, format: line.value('format'), imageOpts: line.has('image-opts') }
}

/** A command's work on an image. @returns its status. */
export function workOn(
  host: Host,
  context: ImgContext,
  request: OpenRequest,
  work: (image: Image) => Promise<number>,
): Promise<number> {
  return withImage(host, context, request, async (image) => {
    try {
      return await work(image)
    } catch (error) {
      // Before the image is closed, which may have something to say as well.
      if (error instanceof ImgFailure) return reportFailure(error, context)
      throw error
    }
  })
}

/** Opens an image for some work, and closes it whatever comes of that. */
export async function withImage<T>(
  host: Host,
  context: ImgContext,
  request: OpenRequest,
  work: (image: Image) => T | Promise<T>,
): Promise<T> {
  const image = await openImage(host, context, request)
  try {
    return await work(image)
  } finally {
    await image.close()
  }
}

/** @throws {ImgFailure} `Could not open 'NAME': …` */
export async function openImage(
  host: Host,
  context: ImgContext,
  request: OpenRequest,
): Promise<Image> {
  const { imageOpts = false, failureStatus = 1 } = request
  if (imageOpts && request.format !== undefined) {
    throw new ImgFailure('--image-opts and --format are mutually exclusive', failureStatus)
  }
  const engine = engineFor(host, context)
  try {
    const node = await addNode(engine, request, context)
    const layers = layersOf(engine, node, request.writable === true)
    const [top] = layers
    if (top === undefined) throw new Error('a chain has a top')
    return {
      ...top,
      graph: engine.graph,
      node,
      details: top.info.image,
      layers,
      check: (about) => engine.graph.check(node, about),
      async close() {
        for (const { user } of layers) await user.close()
        await engine.shutdown()
      },
    }
  } catch (error) {
    await engine.shutdown()
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(
      `${request.failureText ?? `Could not open '${request.name}'`}: ${error.message}`,
      failureStatus,
      error.hint,
    )
  }
}

/** An engine of its own for one command. What it has to say goes where messages go. */
export function engineFor(
  host: Host,
  { program, profile, stdout, stderr }: ImgContext,
): EngineProcess {
  return new EngineProcess({
    host,
    profile,
    log(line, form) {
      if (form === 'output') stdout(`${line}\n`)
      else stderr(form === 'bare' ? `${line}\n` : `${program}: ${line}\n`)
    },
  })
}

function addNode(
  engine: EngineProcess,
  request: OpenRequest,
  context: ImgContext,
): Promise<GraphNode> {
  const { format, imageOpts = false } = request
  const named = imageOpts ? Object.fromEntries(imageOptions(request.name, context)) : {}
  return engine.graph.addFilename(imageOpts ? undefined : request.name, {
    ...(format === undefined ? {} : { format }),
    noBacking: request.alone === true,
    forCheck: request.forCheck === true,
    options: {
      ...named,
      'read-only': request.writable !== true,
      ...(request.cache === undefined ? {} : { cache: request.cache }),
      ...(request.forceShare === true ? { 'force-share': true } : {}),
    },
  })
}

/** @throws {ImgFailure} */
function imageOptions(text: string, { program, stderr }: ImgContext): Map<string, string> {
  try {
    return readAnyWords(text, 'file', (warning) => {
      stderr(`${program}: ${warning}\n`)
    })
  } catch (error) {
    if (!(error instanceof BlockError)) throw error
    throw new ImgFailure(error.message, 1, error.hint)
  }
}

function layersOf(engine: EngineProcess, top: GraphNode, writable: boolean): Layer[] {
  const layers: Layer[] = []
  for (let node: GraphNode | undefined = top; node !== undefined;) {
    const writes = writable && node === top
    const user = engine.graph.attach(node, {
      uses: writes ? CONSISTENT_READ | WRITE | RESIZE : node === top ? CONSISTENT_READ : 0,
      shares: ALL_PERMISSIONS & ~(writes ? RESIZE : 0),
    })
    layers.push({ user, info: engine.graph.info(node) })
    node = engine.graph.shownThrough(node)
  }
  return layers
}
