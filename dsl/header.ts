/** The keys of a scenario beside its steps: what it is, and how it is to be played. */
import {
  checkKeys,
  missingKey,
  notBuilt,
  readDuration,
  readList,
  readMap,
  readText,
  readWord,
  shorten,
  wrongType,
  type KeyInfo,
} from './check.ts'
import type { Context } from './context.ts'
import type { Profile, Scenario } from './plan.ts'
import { find, type MapNode, type Node } from './tree.ts'
import { readGolden, readTidy } from './options.ts'

const ANY = {}
const TEXT = { type: 'string' } as const
const LIST = { type: 'array' } as const
const MAP = { type: 'object' } as const

/** What the sugar of a node adds to the options of its driver. */
export const NODE_KEYS = {
  img: {
    doc: 'Image below: the file name of a protocol, an unnamed file child of the rest.',
    schema: TEXT,
  },
  faults: {
    doc: 'Requests that fail or stop: ["read 256k+64k => EIO once", "write any => ENOSPC after 3"].',
    schema: { type: ['array', 'string'], items: TEXT },
  },
} as const satisfies Record<string, KeyInfo & { schema: object }>

export const SCENARIO_KEYS = {
  scenario: { doc: 'Format version: 1.', schema: { enum: [1, '1', '1.0'] } },
  title: { doc: 'One line, used in reports.', schema: TEXT },
  about: { doc: 'Why this exists; shown in reports and on failure.', schema: TEXT },
  spec: {
    doc: 'Clauses of the specification that the scenario shows.',
    schema: { type: 'array', items: TEXT },
  },
  refuses: {
    doc: 'Clauses whose opposite it shows to be refused.',
    schema: { type: 'array', items: TEXT },
  },
  tags: {
    doc: 'Words to select by; quick, slow, stress and quarantine mean something.',
    schema: LIST,
  },
  needs: {
    doc: 'Capabilities a target must have; most are inferred.',
    schema: { type: 'array', items: TEXT },
  },
  profile: { doc: 'Behaviours stated: qemu, note, note-transition.', schema: ANY },
  preset: { doc: 'Named set of needs and defaults from blockspec.config.yaml.', schema: TEXT },
  matrix: { doc: 'Variables with lists of values; exclude and include.', schema: MAP },
  params: { doc: 'Constants, usable as $name.', schema: MAP },
  target: { doc: 'Start options of the target: compat, drivers, args.', schema: MAP },
  time: { doc: 'virtual (default) or real.', schema: { enum: ['virtual', 'real'] } },
  budget: { doc: 'Hard limit for a case in real time.', schema: TEXT },
  images: { doc: 'Images by name: qcow2 1M cluster=64k backing=base.', schema: MAP },
  seed: { doc: 'I/O scripts that fill images before the target starts.', schema: MAP },
  objects: { doc: 'Objects by id, added in this order.', schema: MAP },
  nodes: {
    doc: 'Nodes by name, added in this order.',
    schema: { type: 'object', additionalProperties: { $ref: '#/definitions/node' } },
  },
  devices: { doc: 'Guest devices.', built: false, schema: MAP },
  exports: { doc: 'Exports by id.', schema: MAP },
  define: { doc: 'Home for anchors.', schema: ANY },
  steps: {
    doc: 'What is played.',
    schema: { type: 'array', items: { $ref: '#/definitions/step' } },
  },
  after: {
    doc: 'Final checks on quiescent images.',
    schema: { type: 'array', items: { $ref: '#/definitions/step' } },
  },
  finally: {
    doc: 'Steps that always run.',
    schema: { type: 'array', items: { $ref: '#/definitions/step' } },
  },
  golden: {
    doc: 'true, false, or a map with order and graph.',
    schema: { type: ['boolean', 'object'] },
  },
  tidy: { doc: 'Hygiene checks turned off by name, each with a reason.', schema: MAP },
  normalise: { doc: 'Custom normalisers.', built: false, schema: ANY },
} as const satisfies Record<string, KeyInfo & { schema: object }>

type Read = (name: keyof typeof SCENARIO_KEYS) => Node | undefined

export type Header = Pick<
  Scenario,
  'title' | 'about' | 'tags' | 'quarantine' | 'profiles' | 'time' | 'budgetMs' | 'golden' | 'tidy'
>

const DEFAULT_BUDGET_MS = 10_000

export function readHeader(context: Context, map: MapNode): Header {
  const read: Read = (name) => find(map, name)?.value
  const { tags, quarantine } = readTags(context, read('tags'))
  return {
    title: readTitle(context, map, read('title')),
    about: proseOf(context, read('about')),
    tags,
    ...(quarantine === undefined ? {} : { quarantine }),
    profiles: readProfiles(context, read('profile')),
    time: readTime(context, read('time'), tags),
    budgetMs: readBudget(context, read('budget')),
    golden: readGolden(context, read('golden')),
    tidy: readTidy(context, read('tidy')),
  }
}

/** Reports a version that is not ours; true if it is. */
export function checkVersion(context: Context, map: MapNode): boolean {
  const version = find(map, 'scenario')?.value
  if (version === undefined) {
    const help =
      find(map, 'fragment') === undefined
        ? 'a scenario starts with   scenario: 1'
        : 'this is a fragment: play it with use'
    context.problem(map, 'no-version', "the key 'scenario' is missing", { help })
    return false
  }
  const text = version.kind === 'scalar' ? version.text : ''
  const found = /^([0-9]{1,4})(?:\.([0-9]{1,4}))?$/.exec(text)
  if (found === null) {
    context.problem(version, 'bad-version', 'the format version is a number: scenario: 1')
    return false
  }
  if (found[1] === '1' && (found[2] === undefined || found[2] === '0')) return true
  context.problem(version, 'newer-version', `this is format ${text}; this program reads format 1`)
  return false
}

function readTitle(context: Context, map: MapNode, node: Node | undefined): string {
  if (node === undefined) {
    missingKey(context, map, {
      key: 'title',
      table: SCENARIO_KEYS,
      message: "a scenario needs a 'title'",
      at: find(map, 'scenario')?.key,
    })
    return ''
  }
  const title = proseOf(context, node).trim()
  if (title === '' || title.includes('\n'))
    context.problem(node, 'title-line', 'a title is one line of text')
  return title
}

/** Prose is not looked through for variables. */
function proseOf(context: Context, node: Node | undefined): string {
  if (node === undefined) return ''
  if (node.kind === 'scalar' && node.value !== null) return node.text.trim()
  wrongType(context, node, 'prose', 'text')
  return ''
}

function readTags(context: Context, node: Node | undefined): Pick<Scenario, 'tags' | 'quarantine'> {
  const list = node === undefined ? undefined : readList(context, node, "'tags'")
  const tags: string[] = []
  let quarantine: Scenario['quarantine']
  for (const item of list?.items ?? []) {
    if (item.kind === 'map' && item.entries[0]?.name === 'quarantine') {
      quarantine = readQuarantine(context, item.entries[0].value)
      tags.push('quarantine')
      continue
    }
    const text = readText(context, item, 'a tag')
    if (text === undefined) continue
    if (text.text === 'quarantine') {
      context.problem(text, 'quarantine-reason', 'quarantine needs a link and a date', {
        help: '- quarantine: {link: https://…, until: 2030-01-31}',
      })
    } else if (!/^[a-z0-9][a-z0-9-]*$/.test(text.text)) {
      context.problem(text, 'bad-tag', `'${shorten(text.text)}' is no tag`, {
        help: 'tags are lower case words with dashes',
      })
    } else if (tags.includes(text.text)) {
      context.problem(text, 'duplicate-item', `the tag '${text.text}' stands here twice`)
    }
    tags.push(text.text)
  }
  return { tags, ...(quarantine === undefined ? {} : { quarantine }) }
}

const QUARANTINE_KEYS: Readonly<Record<string, KeyInfo>> = {
  link: { doc: 'Where it is being looked after.' },
  until: { doc: 'Date, YYYY-MM-DD.' },
}

function readQuarantine(context: Context, node: Node): Scenario['quarantine'] {
  const map = readMap(context, node, "'quarantine'")
  if (map === undefined) return undefined
  checkKeys(context, map, QUARANTINE_KEYS, 'quarantine')
  const link = textIn(context, map, 'link')
  const until = textIn(context, map, 'until')
  const isDate =
    until !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(until) && !Number.isNaN(Date.parse(until))
  if (link !== undefined && /^https?:\/\/\S+$/.test(link) && isDate) return { link, until }
  context.problem(node, 'quarantine-reason', 'quarantine needs a link and a date', {
    help: '- quarantine: {link: https://…, until: 2030-01-31}',
  })
  return undefined
}

function textIn(context: Context, map: MapNode, name: string): string | undefined {
  const value = find(map, name)?.value
  return value === undefined ? undefined : readText(context, value, `'${name}'`)?.text
}

const PROFILES = ['qemu', 'note', 'note-transition'] as const satisfies readonly Profile[]

function readProfiles(context: Context, node: Node | undefined): readonly Profile[] {
  if (node === undefined) return ['qemu']
  const items = node.kind === 'list' ? node.items : [node]
  const profiles: Profile[] = []
  for (const item of items) {
    if (item.kind === 'scalar' && item.text === 'legacy') {
      notBuilt(context, item, "profile 'legacy'")
      continue
    }
    const profile = readWord(context, item, "'profile'", PROFILES, 'unknown-profile')
    if (profile === undefined) continue
    if (profiles.includes(profile))
      context.problem(item, 'duplicate-item', `profile '${profile}' stands here twice`)
    else profiles.push(profile)
  }
  if (node.kind === 'list' && items.length === 0)
    context.problem(node, 'each-empty', "the list 'profile' is empty")
  return profiles
}

function readTime(
  context: Context,
  node: Node | undefined,
  tags: readonly string[],
): 'virtual' | 'real' {
  if (node === undefined) return 'virtual'
  const time = readWord(context, node, "'time'", ['virtual', 'real'], 'unknown-time') ?? 'virtual'
  if (time === 'real' && !tags.includes('slow')) {
    context.problem(node, 'real-time-slow', "a scenario in real time carries the tag 'slow'")
  }
  return time
}

function readBudget(context: Context, node: Node | undefined): number {
  const ns = node === undefined ? undefined : readDuration(context, node, "'budget'")
  if (ns === 0 && node !== undefined)
    context.problem(node, 'bad-duration', "'budget' is longer than nothing")
  return ns === undefined ? DEFAULT_BUDGET_MS : ns / 1e6
}
