/**
 * The images that every sequence starts from. They are made once in a run, by the real target's own
 * tool, and copied into the folder of each sequence, byte for byte the same on both sides. Paths
 * inside of them are as long as the folder's own, and are replaced while they are copied.
 */
import { type Problem, renderProblem } from '../../dsl/index.ts'
import type { Host } from '../../engine/index.ts'
import { compileScenario } from '../language.ts'
import { Play } from '../play.ts'
import type { Selected } from '../selected.ts'
import type { Target } from '../targets/target.ts'
import { TargetError } from '../targets/target.ts'
import { walk } from '../walk.ts'

export interface ImageDeclaration {
  readonly name: string
  /** As a scenario declares it. */
  readonly spec: string
  /** As a scenario seeds it. */
  readonly seed?: string
}

/** Small, of every kind that nodes tell apart: lengths, cluster sizes, chains, holes and data. */
export const IMAGES: readonly ImageDeclaration[] = [
  { name: 'f0', spec: 'raw 1M', seed: 'write -P 0x11 0 64k' },
  { name: 'f1', spec: 'raw 1M' },
  { name: 'f2', spec: 'raw 64k', seed: 'write -P 0x22 0 64k' },
  { name: 'f3', spec: 'raw 1000' },
  { name: 'f4', spec: 'raw 4M' },
  { name: 'q0', spec: 'qcow2 1M', seed: 'write -P 0x31 0 128k' },
  { name: 'q1', spec: 'qcow2 1M backing=q0', seed: 'write -P 0x32 64k 128k' },
  { name: 'q2', spec: 'qcow2 1M backing=q1', seed: 'write -P 0x33 512k 64k' },
  { name: 'q3', spec: 'qcow2 2M cluster=4k', seed: 'write -z 0 64k' },
  { name: 'q4', spec: 'qcow2 1M backing=f0 cluster=16k' },
  { name: 'q5', spec: 'qcow2 512k compat=0.10' },
]

export const RAW_IMAGES = namesOf('raw')
export const QCOW2_IMAGES = namesOf('qcow2')

function namesOf(format: string): readonly string[] {
  return IMAGES.flatMap(({ name, spec }) => (spec.startsWith(format) ? [name] : []))
}

/** The head of a scenario that has these images, seeds included. */
export function imagesText(names: ReadonlySet<string>): string {
  const wanted = IMAGES.filter(({ name }) => names.has(name))
  if (wanted.length === 0) return ''
  const seeds = wanted.flatMap(({ name, seed }) =>
    seed === undefined ? [] : [`  ${name}: ${seed}`],
  )
  return [
    'images:',
    ...wanted.map(({ name, spec }) => `  ${name}: ${spec}`),
    ...(seeds.length === 0 ? [] : ['seed:', ...seeds]),
    '',
  ].join('\n')
}

/** The images that images need: what backs them. */
export function withBacking(names: Iterable<string>): ReadonlySet<string> {
  const all = new Set<string>()
  const add = (name: string): void => {
    const image = IMAGES.find((each) => each.name === name)
    if (image === undefined || all.has(name)) return
    all.add(name)
    const backing = /backing=(\w+)/.exec(image.spec)?.[1]
    if (backing !== undefined) add(backing)
  }
  for (const name of names) add(name)
  return all
}

/** The case that sequences are played in: images and no steps. */
export function baseCase(): Selected {
  const text = `scenario: 1\ntitle: fuzz\n${imagesText(new Set(IMAGES.map(({ name }) => name)))}steps:\n  - qmp: { query-version: {} }\n`
  const { scenario, problems } = compileScenario(
    { path: 'scenarios/fuzz.yaml', text },
    { root: 'scenarios' },
  )
  const which = scenario?.cases[0]
  if (scenario === undefined || which === undefined) throw new Error(told(problems))
  return { scenario, case: which, profile: 'qemu' }
}

function told(problems: readonly Problem[]): string {
  return problems.map(renderProblem).join('\n')
}

/** Content of the image files, in blocks: what is left out is a hole. */
export interface Template {
  /** The folder whose name stands in the files. */
  readonly directory: string
  readonly files: readonly TemplateFile[]
}

interface TemplateFile {
  readonly name: string
  readonly bytes: number
  readonly blocks: readonly { readonly offset: number; readonly data: Uint8Array }[]
}

/** As the file systems keep them. */
const BLOCK = 4096

/** @throws {TargetError} when the target's tools do not make them. */
export async function makeTemplate(target: Target): Promise<Template> {
  const selected = baseCase()
  const capabilities = await target.probe()
  const station = await target.open({ profile: 'qemu', time: 'virtual', seed: 1 })
  const play = new Play({ selected, sources: {}, station, capabilities, timeoutScale: 1 })
  try {
    return await station.play(async () => {
      play.atRest = true
      await walk(selected.case.setup, play)
      await play.images.settle()
      const [failure] = play.claims.failures
      if (failure !== undefined) throw new TargetError(`images for fuzz: ${failure.message}`)
      const files: TemplateFile[] = []
      for (const { name } of IMAGES) {
        files.push({ name, ...(await readBlocks(station.host, play.images.path(name))) })
      }
      return { directory: station.directory, files }
    }, 'images')
  } finally {
    await play.images.settle()
    await station.close(false)
  }
}

async function readBlocks(host: Host, path: string): Promise<Omit<TemplateFile, 'name'>> {
  const file = host.files.open(path, { write: false })
  try {
    const blocks: { offset: number; data: Uint8Array }[] = []
    const bytes = file.length()
    for (let offset = 0; offset < bytes;) {
      const extent = file.extent(offset)
      for (let at = offset; extent.data && at < offset + extent.bytes; at += BLOCK) {
        const data = new Uint8Array(Math.min(BLOCK, bytes - at))
        await file.read(at, data)
        blocks.push({ offset: at, data })
      }
      offset += extent.bytes
    }
    return { bytes, blocks }
  } finally {
    file.close()
  }
}

/** Writes the images into a play's folder. */
export async function copyTemplate(template: Template, play: Play): Promise<void> {
  const { files } = play.station.host
  const from = Buffer.from(template.directory)
  const to = Buffer.from(play.station.directory)
  for (const image of template.files) {
    const format = RAW_IMAGES.includes(image.name) ? 'raw' : 'qcow2'
    play.images.note(image.name, format)
    const file = files.open(play.images.path(image.name), { write: true, create: true })
    try {
      file.truncate(image.bytes)
      for (const { offset, data } of image.blocks) await file.write(offset, moved(data, from, to))
    } finally {
      file.close()
    }
  }
}

/** The block with one folder's name in place of the other's. */
function moved(data: Uint8Array, from: Buffer, to: Buffer): Uint8Array {
  const bytes = Buffer.from(data)
  for (let at = bytes.indexOf(from); at >= 0; at = bytes.indexOf(from, at + from.length)) {
    to.copy(bytes, at)
  }
  return bytes
}
