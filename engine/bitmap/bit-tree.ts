/**
 * A set of bits as a tree: a subtree whose bits are all alike is one word of memory, whatever it
 * spans. Looking for the next bit skips such subtrees, and memory follows what differs.
 */

/** All clear, all set, or something of both. */
type Tree = boolean | Leaf | Inner

interface Leaf {
  readonly words: Uint32Array
  /** Bits that are set. */
  count: number
}

interface Inner {
  readonly children: Tree[]
  count: number
}

const WORD_BITS = 32
const LEAF_BITS = 1024
const FANOUT = 64

export class BitTree {
  #size: number
  /** 0: the root is a leaf. */
  #level = 0
  #root: Tree = false

  constructor(size: number) {
    this.#size = size
    while (spanOf(this.#level) < size) this.#level += 1
  }

  /** How many bits there are. */
  get size(): number {
    return this.#size
  }

  /** How many of them are set. */
  get count(): number {
    return countOf(this.#root, this.#level)
  }

  /** Sets or clears the bits from `from` to `to`, which is beyond the last one. */
  assign(from: number, to: number, value: boolean): void {
    const end = Math.min(to, this.#size)
    if (from < end) this.#root = assign(this.#root, this.#level, from, end, value)
  }

  /** The first bit at or after `from` that has this value, if there is one. */
  next(from: number, value: boolean): number | undefined {
    if (from >= this.#size) return undefined
    const found = find(this.#root, this.#level, from, value)
    // Beyond the last bit all are clear, which is not to be told.
    return found === undefined || found >= this.#size ? undefined : found
  }

  /** Bits that come are clear; those that go and come again are so too. */
  resize(size: number): void {
    if (size < this.#size) {
      this.#root = assign(this.#root, this.#level, size, spanOf(this.#level), false)
    }
    while (spanOf(this.#level) < size) {
      if (this.#root !== false) {
        const count = countOf(this.#root, this.#level)
        this.#root = { children: [this.#root, ...childrenOf(false, FANOUT - 1)], count }
      }
      this.#level += 1
    }
    this.#size = size
  }

  clear(): void {
    this.#root = false
  }

  copy(): BitTree {
    const copied = new BitTree(this.#size)
    copied.#level = this.#level
    copied.#root = copyOf(this.#root)
    return copied
  }

  /** 64-bit words, the first bit lowest, in little-endian bytes; one word even where there is no bit. */
  *serialise(): Generator<Uint8Array> {
    let left = Math.max(1, Math.ceil(this.#size / 64)) * 8
    for (const chunk of serialise(this.#root, this.#level)) {
      yield chunk.length > left ? chunk.subarray(0, left) : chunk
      left -= Math.min(left, chunk.length)
      if (left === 0) return
    }
  }
}

function spanOf(level: number): number {
  return LEAF_BITS * FANOUT ** level
}

function countOf(tree: Tree, level: number): number {
  if (typeof tree === 'boolean') return tree ? spanOf(level) : 0
  return tree.count
}

function childrenOf(value: boolean, count = FANOUT): Tree[] {
  return Array.from<Tree>({ length: count }).fill(value)
}

function assign(tree: Tree, level: number, from: number, to: number, value: boolean): Tree {
  if (tree === value) return tree
  if (from === 0 && to === spanOf(level)) return value
  return level === 0
    ? assignInLeaf(leafOf(tree), from, to, value)
    : assignInInner(innerOf(tree, level), level, { from, to, value })
}

function leafOf(tree: Tree): Leaf {
  if (typeof tree === 'object' && 'words' in tree) return tree
  const words = new Uint32Array(LEAF_BITS / WORD_BITS)
  if (tree === true) words.fill(-1)
  return { words, count: tree === true ? LEAF_BITS : 0 }
}

function innerOf(tree: Tree, level: number): Inner {
  if (typeof tree === 'object' && 'children' in tree) return tree
  return { children: childrenOf(tree === true), count: countOf(tree, level) }
}

function assignInLeaf(leaf: Leaf, from: number, to: number, value: boolean): Tree {
  for (let at = from; at < to;) {
    const index = Math.floor(at / WORD_BITS)
    const first = at % WORD_BITS
    const bits = Math.min(WORD_BITS - first, to - at)
    const mask = bits === WORD_BITS ? -1 : ((1 << bits) - 1) << first
    const before = leaf.words[index] ?? 0
    const after = value ? before | mask : before & ~mask
    leaf.words[index] = after
    leaf.count += onesIn(after) - onesIn(before)
    at += bits
  }
  if (leaf.count === 0) return false
  return leaf.count === LEAF_BITS ? true : leaf
}

function assignInInner(
  inner: Inner,
  level: number,
  { from, to, value }: { readonly from: number; readonly to: number; readonly value: boolean },
): Tree {
  const span = spanOf(level - 1)
  for (let index = Math.floor(from / span); index * span < to; index += 1) {
    const start = index * span
    const before = inner.children[index] ?? false
    const counted = countOf(before, level - 1)
    const after = assign(
      before,
      level - 1,
      Math.max(from - start, 0),
      Math.min(to - start, span),
      value,
    )
    inner.children[index] = after
    inner.count += countOf(after, level - 1) - counted
  }
  if (inner.count === 0) return false
  return inner.count === spanOf(level) ? true : inner
}

function find(tree: Tree, level: number, from: number, value: boolean): number | undefined {
  if (typeof tree === 'boolean') return tree === value ? from : undefined
  if ('words' in tree) return findInLeaf(tree, from, value)
  const span = spanOf(level - 1)
  for (let index = Math.floor(from / span); index < FANOUT; index += 1) {
    const start = index * span
    const child = tree.children[index] ?? false
    const found = find(child, level - 1, Math.max(from - start, 0), value)
    if (found !== undefined) return start + found
  }
  return undefined
}

function findInLeaf({ words }: Leaf, from: number, value: boolean): number | undefined {
  let ignored = (1 << (from % WORD_BITS)) - 1
  for (let index = Math.floor(from / WORD_BITS); index < words.length; index += 1) {
    const word = words[index] ?? 0
    const wanted = (value ? word : ~word) & ~ignored
    if (wanted !== 0) return index * WORD_BITS + lowestIn(wanted)
    ignored = 0
  }
  return undefined
}

/** The number of the lowest bit that is set. */
function lowestIn(word: number): number {
  return WORD_BITS - 1 - Math.clz32(word & -word)
}

function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555)
  const fours = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333)
  const bytes = (fours + (fours >>> 4)) & 0x0f0f_0f0f
  return Math.imul(bytes, 0x0101_0101) >>> 24
}

function copyOf(tree: Tree): Tree {
  if (typeof tree === 'boolean') return tree
  return 'words' in tree
    ? { words: tree.words.slice(), count: tree.count }
    : { children: tree.children.map(copyOf), count: tree.count }
}

const ALIKE_BYTES = 65536
const ALIKE = new Map([
  [false, new Uint8Array(ALIKE_BYTES)],
  [true, new Uint8Array(ALIKE_BYTES).fill(0xff)],
])

function* serialise(tree: Tree, level: number): Generator<Uint8Array> {
  if (typeof tree === 'boolean') {
    const block = ALIKE.get(tree) ?? new Uint8Array()
    for (let left = spanOf(level) / 8; left > 0; left -= ALIKE_BYTES) {
      yield left < ALIKE_BYTES ? block.subarray(0, left) : block
    }
  } else if ('words' in tree) {
    yield Uint8Array.from({ length: LEAF_BITS / 8 }, (_, index) => {
      const word = tree.words[index >> 2] ?? 0
      return (word >>> (8 * (index & 3))) & 0xff
    })
  } else {
    for (const child of tree.children) yield* serialise(child, level - 1)
  }
}
