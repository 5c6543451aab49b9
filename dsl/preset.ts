/** Presets: named sets of needs and defaults in `blockspec.config.yaml`, of the suite or of an area. */
import { checkKeys, readList, readMap, readText, shorten, type KeyInfo } from './check.ts'
import type { Context } from './context.ts'
import { parsePiece, wholeOf } from './mini.ts'
import { didYouMean } from './suggest.ts'
import { fillText } from './variables.ts'
import { find, spanOf, withVia, type MapNode, type Node } from './tree.ts'

const CONFIG_KEYS: Readonly<Record<string, KeyInfo>> = {
  presets: { doc: 'Presets by name.' },
  normalise: { doc: 'Custom normalisers.', built: false },
}

const PRESET_KEYS: Readonly<Record<string, KeyInfo>> = {
  needs: { doc: 'Needs of every scenario of this preset.' },
  time: { doc: 'Default for time.' },
  budget: { doc: 'Default for budget.' },
  profile: { doc: 'Default for profile.' },
  target: { doc: 'Default for target.' },
  golden: { doc: 'Default for golden.' },
}

/** The scenario's map with the preset's defaults behind its own keys, and the preset's needs. */
export function applyPreset(
  context: Context,
  scenario: MapNode,
  id: string,
): { readonly map: MapNode; readonly needs: Node | undefined } {
  const entry = find(scenario, 'preset')
  const name = entry === undefined ? undefined : readText(context, entry.value, "'preset'")
  if (name === undefined) return { map: scenario, needs: undefined }
  const preset = findPreset(context, name.text, id)
  if ('known' in preset) {
    context.problem(name, 'unknown-preset', `no preset is called '${shorten(name.text)}'`, {
      help: didYouMean(name.text, preset.known) ?? 'presets stand in blockspec.config.yaml',
    })
    return { map: scenario, needs: undefined }
  }
  const map = withVia(preset, { message: 'used here', span: spanOf(name) })
  checkKeys(context, map, PRESET_KEYS, 'a preset')
  const defaults = map.entries.filter(
    (item) => item.name !== 'needs' && find(scenario, item.name) === undefined,
  )
  return {
    map: { ...scenario, entries: [...scenario.entries, ...defaults] },
    needs: find(map, 'needs')?.value,
  }
}

/** The area's file goes before the suite's. */
function findPreset(
  context: Context,
  name: string,
  id: string,
): MapNode | { readonly known: string[] } {
  const known: string[] = []
  const folders = id.split('/').slice(0, -1)
  for (let depth = folders.length; depth >= 0; depth--) {
    const path = [...folders.slice(0, depth), 'blockspec.config.yaml'].join('/')
    const root = context.fields.session.fragment(path)?.root
    const config = root === undefined ? undefined : readMap(context, root, 'the configuration')
    if (config === undefined) continue
    checkKeys(context, config, CONFIG_KEYS, 'the configuration')
    const presets = find(config, 'presets')
    const map = presets === undefined ? undefined : readMap(context, presets.value, "'presets'")
    const found = map === undefined ? undefined : find(map, name)
    if (found !== undefined) {
      const preset = readMap(context, found.value, `preset '${name}'`)
      if (preset !== undefined) return preset
    }
    known.push(...(map?.entries.map((entry) => entry.name) ?? []))
  }
  return { known }
}

/** Written needs go first: they were meant. */
export function readNeeds(context: Context, node: Node | undefined): void {
  const list = node === undefined ? undefined : readList(context, node, "'needs'")
  for (const item of list?.items ?? []) {
    const text = readText(context, item, 'a need')
    const filled = text === undefined ? undefined : fillText(context, text)
    if (filled === undefined) continue
    const ast = parsePiece(context, 'need', wholeOf(filled))
    if (ast !== undefined) context.fields.needs.write(ast.text, spanOf(filled))
  }
}
