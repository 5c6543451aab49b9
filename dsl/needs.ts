/** Capabilities that a case needs: written ones, and those its steps show. Each once. */
import type { Need, Span, Template } from './plan.ts'

export class NeedSet {
  readonly #needs = new Map<string, Need>()

  write(text: string, span: Span): void {
    this.#needs.set(text, { text, span, inferred: false })
  }

  infer(text: string, span: Span): void {
    if (!this.#needs.has(text)) this.#needs.set(text, { text, span, inferred: true })
  }

  list(): readonly Need[] {
    return [...this.#needs.values()]
  }
}

/** A set that nobody reads: for branches that do not decide whether a case applies. */
export function noNeeds(): NeedSet {
  return new NeedSet()
}

/** Commands whose members depend on a driver or type: those are needs by that, not by member. */
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  'blockdev-add': ['driver', 'node-name'],
  'object-add': ['qom-type', 'id'],
  'block-export-add': ['type', 'id', 'node-name'],
}

/** What a command that should succeed tells about the target. */
export function needsOfCommand(
  needs: NeedSet,
  command: string,
  args: Template | undefined,
  span: Span,
): void {
  needs.infer(`qmp.${command}`, span)
  if (args?.kind !== 'map') return
  if (command === 'blockdev-add') needsOfNode(needs, args)
  if (command === 'object-add') needsOfType(needs, 'object', args, 'qom-type')
  if (command === 'block-export-add') needsOfType(needs, 'export', args, 'type')
  if (BY_TYPE[command] !== undefined) return
  for (const { key, keySpan } of args.entries) needs.infer(`qmp.${command}.${key}`, keySpan)
}

export function needsOfType(
  needs: NeedSet,
  kind: 'object' | 'export',
  options: Template,
  member: string,
): void {
  const type = textMember(options, member)
  if (type !== undefined) needs.infer(`${kind}.${type.text}`, type.span)
}

/** The driver of a node and of every child that is written inside it. */
export function needsOfNode(needs: NeedSet, options: Template): void {
  if (options.kind === 'list') {
    for (const item of options.items) needsOfNode(needs, item)
    return
  }
  if (options.kind !== 'map') return
  const driver = textMember(options, 'driver')
  if (driver !== undefined) needs.infer(`driver.${driver.text}`, driver.span)
  for (const { value } of options.entries) needsOfNode(needs, value)
}

/** A member that is text and known when the scenario is compiled. */
export function textMember(
  options: Template,
  name: string,
): { readonly text: string; readonly span: Span } | undefined {
  if (options.kind !== 'map') return undefined
  const value = options.entries.find(({ key }) => key === name)?.value
  if (value === undefined) return undefined
  const text = textOf(value)
  return text === undefined ? undefined : { text, span: value.span }
}

/** The text that a template becomes, where no running target is needed to tell. */
export function textOf(template: Template): string | undefined {
  switch (template.kind) {
    case 'scalar':
      return typeof template.value === 'string' ? template.value : undefined
    case 'variable':
      return typeof template.value === 'string' ? template.value : undefined
    case 'text': {
      const parts = template.parts.map((part) =>
        typeof part === 'string' ? part : isPlain(part.value) ? String(part.value) : undefined,
      )
      return parts.some((part) => part === undefined) ? undefined : parts.join('')
    }
    case 'list':
    case 'map':
      return undefined
  }
}

function isPlain(value: unknown): value is string | number | bigint | boolean {
  return ['string', 'number', 'bigint', 'boolean'].includes(typeof value)
}
