/** The images of a case: where they lie, how they are made, and how they are opened at rest. */
import type { ImageSpec, Span, Value } from '../dsl/plan.ts'
import { AtRest } from './at-rest.ts'
import { type Device, fileDevice, withFile } from './device.ts'
import { isList, isMap, text } from './json.ts'
import { bare, type Shown, showNumber } from './notation.ts'
import type { Play } from './play.ts'
import { StepError } from './step-error.ts'
import type { ToolResult } from './targets/target.ts'

/** What may stand in a file name; scenario files are untrusted input. */
const SAFE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,63}$/

/** Names of creation options as the language and the tool write them, where they differ. */
const OPTION_NAMES: Readonly<Record<string, string>> = {
  cluster: 'cluster_size',
  compression: 'compression_type',
}

export interface NamedImage {
  readonly name: string
  readonly format: string
}

export class Images {
  readonly #play: Play
  /** Formats by name. */
  readonly #images = new Map<string, string>()
  readonly #formats = new Map<string, string>()
  readonly #atRest: AtRest

  constructor(play: Play) {
    this.#play = play
    this.#atRest = new AtRest(play)
  }

  path(name: string): string {
    return this.#place(name, '.img', `img:${name}`)
  }

  freshPath(name: string): string {
    return this.#place(name, '.new', `new:${name}`)
  }

  #place(name: string, suffix: string, symbol: string): string {
    if (!SAFE_NAME.test(name)) throw new Error(`'${name}' cannot be the name of a file`)
    const path = `${this.#play.station.directory}/${name}${suffix}`
    this.#play.normaliser.addPath(path, symbol)
    return path
  }

  has(name: string): boolean {
    return this.#images.has(name)
  }

  format(name: string): string | undefined {
    return this.#images.get(name)
  }

  /** The format of a file that a step made outside of `images`. */
  formatAt(path: string): string | undefined {
    return this.#formats.get(path)
  }

  noteFormat(path: string, format: string): void {
    this.#formats.set(path, format)
  }

  list(): readonly NamedImage[] {
    return [...this.#images].map(([name, format]) => ({ name, format }))
  }

  /** Images other than raw, which any bytes are. */
  checkable(): readonly NamedImage[] {
    return this.list().filter(({ format }) => format !== 'raw')
  }

  /** There is an image of that name. @returns its path. */
  note(name: string, format: string): string {
    this.#images.set(name, format)
    return this.path(name)
  }

  /** Makes an image; plain raw ones without the tool, which is slow to start. */
  async create(spec: ImageSpec): Promise<ToolResult> {
    const path = this.note(spec.name, spec.format)
    const { host } = this.#play.station
    if (spec.format === 'raw' && spec.options.length === 0 && spec.bytes !== undefined) {
      const file = host.files.open(path, { write: true, create: true })
      try {
        file.truncate(spec.bytes)
      } finally {
        file.close()
      }
      return { status: 0, stdout: '', stderr: '' }
    }
    return this.#play.station.img(this.createWords(spec, path))
  }

  createWords(spec: ImageSpec, path: string): string[] {
    const words = ['create', '-f', spec.format]
    const options: string[] = []
    for (const { name, value } of spec.options) {
      if (name === 'backing') {
        words.push('-b', this.path(value), '-F', this.format(value) ?? 'raw')
      } else {
        options.push(`${OPTION_NAMES[name] ?? name.replaceAll('-', '_')}=${value}`)
      }
    }
    if (options.length > 0) words.push('-o', options.join(','))
    words.push(path)
    if (spec.bytes !== undefined) words.push(String(spec.bytes))
    return words
  }

  /**
   * Opens an image that no running target uses and does the work on it.
   *
   * @param as - Open it as this format instead of its own: `raw` reaches the bare file.
   */
  async withDevice<T>(
    name: string,
    as: string | undefined,
    write: boolean,
    span: Span,
    work: (device: Device) => Promise<T>,
  ): Promise<T> {
    const own = this.#images.get(name)
    if (own === undefined) throw new StepError(`no image is named '${name}'`, span)
    const format = as ?? own
    if (format === 'raw') {
      return withFile(this.#play.station.host, this.path(name), write, (file) =>
        work(fileDevice(file)),
      )
    }
    return this.#atRest.withDevice(this.path(name), format, write, span, work)
  }

  /** Ends the program that opened images at rest, before others may take their locks. */
  async settle(): Promise<void> {
    await this.#atRest.stop()
  }

  /** Replaces `img: x` in node options: a file name for protocols, a file child for formats. */
  lower(options: Value): Value {
    if (isList(options)) return options.map((item) => this.lower(item))
    if (!isMap(options)) return options
    const image = text(options['img'])
    const entries = Object.entries(options).flatMap(([name, value]): [string, Value][] =>
      name === 'img' && image !== undefined ? [] : [[name, this.lower(value)]],
    )
    if (image === undefined) return Object.fromEntries(entries)
    const filename = this.path(image)
    const driver = text(options['driver']) ?? ''
    const takes = this.#play.capabilities.driverMembers(driver)
    // The one child of an injector has another name than that of formats and filters.
    const child = !takes.has('file') && takes.has('image') ? 'image' : 'file'
    entries.push(
      takes.has('filename') ? ['filename', filename] : [child, { driver: 'file', filename }],
    )
    return Object.fromEntries(entries)
  }
}

/** `name format size options`, as goldens show an image that is made. */
export function showImageSpec(spec: ImageSpec): {
  readonly head: string
  readonly members: Readonly<Record<string, Shown>>
} {
  const size = spec.bytes === undefined ? '' : ` ${showNumber(spec.bytes)}`
  return {
    head: `create ${spec.name} ${spec.format}${size}`,
    members: Object.fromEntries(
      spec.options.map((option) => [option.name, bare(option.value) as Shown]),
    ),
  }
}
