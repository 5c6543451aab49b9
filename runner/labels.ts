/**
 * Labels of golden blocks: `[mode=fifo|quorum size=64k]` says which cases have the lines below.
 * Values of one variable are alternatives, variables are joined, and `; ` separates combinations
 * that no single product describes.
 */

/** A case as labels know it: matrix variables with the text of their values. */
export interface GoldenCase {
  readonly id: string
  readonly variables: readonly { readonly name: string; readonly text: string }[]
}

/** Allowed texts by variable; a variable that is not named is free. */
type Product = ReadonlyMap<string, readonly string[]>

/** The label that selects exactly these cases out of all. */
export function labelOf(chosen: ReadonlySet<number>, cases: readonly GoldenCase[]): string {
  const products = cover(chosen, cases)
  return `[${products.map(writeProduct).join('; ')}]`
}

/** Whether the case has the lines below the label; `undefined` if the text is no label. */
export function labelSelects(label: string, which: GoldenCase): boolean | undefined {
  const products = parseLabel(label)
  if (products === undefined) return undefined
  return products.some((product) => admits(product, which))
}

function admits(product: Product, which: GoldenCase): boolean {
  return [...product].every(([name, texts]) => {
    const variable = which.variables.find((entry) => entry.name === name)
    return variable !== undefined && texts.includes(variable.text)
  })
}

function cover(chosen: ReadonlySet<number>, cases: readonly GoldenCase[]): readonly Product[] {
  const single = asProduct(chosen, cases)
  if (single !== undefined) return [single]
  // Not one product: split by a variable, most telling first, and join what turns out alike.
  let best: readonly Product[] | undefined
  for (const name of variablesOf(cases)) {
    const parts = new Map<string, Set<number>>()
    for (const index of chosen) {
      const text = textOf(cases[index], name)
      parts.set(text, (parts.get(text) ?? new Set()).add(index))
    }
    if (parts.size < 2) continue
    const products = [...parts.values()].flatMap((part) => cover(part, cases))
    if (best === undefined || products.length < best.length) best = products
  }
  return best ?? [...chosen].map((index) => exactly(cases[index]))
}

/** The product that selects just these cases, with as few variables as possible. */
function asProduct(chosen: ReadonlySet<number>, cases: readonly GoldenCase[]): Product | undefined {
  const product = new Map(
    variablesOf(cases).map((name) => {
      const texts = cases.flatMap((entry, index) =>
        chosen.has(index) ? [textOf(entry, name)] : [],
      )
      return [name, [...new Set(texts)]] as const
    }),
  )
  const selectsChosen = (candidate: Product): boolean =>
    cases.every((entry, index) => admits(candidate, entry) === chosen.has(index))
  if (!selectsChosen(product)) return undefined
  for (const name of [...product.keys()]) {
    const fewer = new Map(product)
    fewer.delete(name)
    if (fewer.size > 0 && selectsChosen(fewer)) product.delete(name)
  }
  return product
}

function exactly(which: GoldenCase | undefined): Product {
  return new Map((which?.variables ?? []).map(({ name, text }) => [name, [text]]))
}

function variablesOf(cases: readonly GoldenCase[]): readonly string[] {
  return (cases[0]?.variables ?? []).map((variable) => variable.name)
}

function textOf(which: GoldenCase | undefined, name: string): string {
  return which?.variables.find((variable) => variable.name === name)?.text ?? ''
}

function writeProduct(product: Product): string {
  return [...product].map(([name, texts]) => `${name}=${texts.map(writeText).join('|')}`).join(' ')
}

function writeText(text: string): string {
  return /^[^\s|;\]["\\]+$/.test(text) ? text : JSON.stringify(text)
}

const VALUE = /"(?:[^"\\]|\\.)*"|[^\s|;\]["\\]+/y
const NAME = /[^\s=|;[\]"]+=/y

function parseLabel(label: string): readonly Product[] | undefined {
  if (!label.startsWith('[') || !label.endsWith(']')) return undefined
  const products = [new Map<string, string[]>()]
  let at = 1
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const match = pattern.exec(label)
    if (match !== null) at = pattern.lastIndex
    return match?.[0]
  }
  while (at < label.length - 1) {
    const name = take(NAME)?.slice(0, -1)
    if (name === undefined) return undefined
    const texts: string[] = []
    do {
      const text = take(VALUE)
      if (text === undefined) return undefined
      texts.push(text.startsWith('"') ? (JSON.parse(text) as string) : text)
    } while (take(/\|/y) !== undefined)
    products.at(-1)?.set(name, texts)
    if (take(/; /y) !== undefined) products.push(new Map())
    else if (take(/ /y) === undefined && at !== label.length - 1) return undefined
  }
  return products
}
