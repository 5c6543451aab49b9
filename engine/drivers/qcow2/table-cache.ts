/**
 * A cache of equal-sized tables with write-back. Two caches may depend on each other: what a table
 * of one points to must be counted by a table of the other before it reaches the file. A cache then
 * writes the one that it depends on, and flushes, before it writes any table of its own.
 */
import { assert } from '../../util/assert.ts'
import { wait, type Routine } from '../../util/routine.ts'
import { giveBytes, takeBytes, takeZeroes } from '../../util/spare-bytes.ts'
import { WordTable } from '../../util/struct.ts'
import type { Storage } from './storage.ts'

export interface Table {
  /** Place in the file. Changes only when the table leaves the cache. */
  readonly offset: number
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly words: WordTable
  dirty: boolean
  /** Place in the cache, which decides the order of writing. */
  readonly slot: number
}

export interface CacheAbout {
  readonly file: () => Storage
  readonly tableBytes: number
  /** Most tables that are kept. */
  readonly capacity: number
  /** Before a table is loaded. */
  readonly loading: () => Routine<void>
  /** Before a table is written; refuses what must not be overwritten. */
  readonly writing: (offset: number, bytes: number) => Routine<void>
}

/**
 * A table that `get` returned stays the cached one until the routine yields next: change and mark
 * it at once.
 */
export class TableCache {
  readonly #about: CacheAbout
  /** Least recently used first. */
  readonly #tables = new Map<number, Table>()
  readonly #slots = new Map<number, Table>()
  readonly #usedSinceTrim = new Set<Table>()
  #last: Table | undefined
  #dependsOn: TableCache | undefined
  #dependsOnFlush = false

  constructor(about: CacheAbout) {
    this.#about = about
  }

  get tableBytes(): number {
    return this.#about.tableBytes
  }

  get capacity(): number {
    return this.#about.capacity
  }

  /** The table at `offset` if it is here. */
  peek(offset: number): Table | undefined {
    if (this.#last?.offset === offset) return this.#last
    const table = this.#tables.get(offset)
    if (table !== undefined) this.#touch(table)
    return table
  }

  *get(offset: number): Routine<Table> {
    const known = this.peek(offset)
    if (known !== undefined) return known
    yield* this.#makeRoom()
    yield* this.#about.loading()
    const bytes = takeBytes(this.tableBytes)
    yield* wait(this.#about.file().read(offset, bytes))
    return this.#insert(offset, bytes)
  }

  /** A table of zeroes for `offset`, whatever is there. */
  *fresh(offset: number): Routine<Table> {
    const known = this.peek(offset)
    if (known !== undefined) {
      known.bytes.fill(0)
      return known
    }
    yield* this.#makeRoom()
    return this.#insert(offset, takeZeroes(this.tableBytes))
  }

  /** Forgets a table whose place in the file was given back. */
  drop(offset: number): void {
    const table = this.#tables.get(offset)
    if (table !== undefined) this.#remove(table)
  }

  /** What this cache writes from now on must come after all that the other one has. */
  *dependOn(other: TableCache): Routine<void> {
    if (other.#dependsOn !== undefined) yield* other.#settleDependency()
    if (this.#dependsOn !== undefined && this.#dependsOn !== other) yield* this.#settleDependency()
    this.#dependsOn = other
  }

  /** What this cache writes from now on must come after what the file was given so far. */
  dependOnFlush(): void {
    this.#dependsOnFlush = true
  }

  /** Writes every changed table. The first failure is thrown when all were tried. */
  *write(): Routine<void> {
    const dirty = [...this.#tables.values()].filter((table) => table.dirty)
    dirty.sort((one, other) => one.slot - other.slot)
    const failures: unknown[] = []
    for (const table of dirty) {
      try {
        yield* this.#writeTable(table)
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }

  /** Writes every changed table and makes them stable. */
  *flush(): Routine<void> {
    yield* this.write()
    yield* wait(this.#about.file().flush())
  }

  /** Writes what changed and forgets all. */
  *empty(): Routine<void> {
    yield* this.flush()
    this.forget()
  }

  /** Forgets all, changed or not. */
  forget(): void {
    this.#tables.clear()
    this.#slots.clear()
    this.#last = undefined
  }

  /** Forgets all for good: nobody may have a table of it any more. */
  close(): void {
    for (const { bytes } of this.#tables.values()) giveBytes(bytes)
    this.forget()
  }

  /** Forgets tables without changes that were not used since the last call. */
  trim(): void {
    for (const table of [...this.#tables.values()]) {
      if (!table.dirty && !this.#usedSinceTrim.has(table)) this.#remove(table)
    }
    this.#usedSinceTrim.clear()
  }

  #touch(table: Table): void {
    this.#tables.delete(table.offset)
    this.#tables.set(table.offset, table)
    this.#usedSinceTrim.add(table)
    this.#last = table
  }

  #insert(offset: number, bytes: Uint8Array<ArrayBuffer>): Table {
    const table = {
      offset,
      bytes,
      words: new WordTable(bytes),
      dirty: false,
      slot: this.#freeSlot(offset),
    }
    this.#slots.set(table.slot, table)
    this.#tables.set(offset, table)
    this.#usedSinceTrim.add(table)
    this.#last = table
    return table
  }

  #remove(table: Table): void {
    this.#tables.delete(table.offset)
    this.#slots.delete(table.slot)
    if (this.#last === table) this.#last = undefined
  }

  #freeSlot(offset: number): number {
    const { capacity } = this
    let slot = ((offset / this.tableBytes) * 4) % capacity
    // An unaligned table of a damaged image has no place of its own.
    slot = Math.floor(slot)
    for (let tried = 0; tried < capacity; tried++) {
      if (!this.#slots.has(slot)) return slot
      slot = (slot + 1) % capacity
    }
    assert(false, 'a cache with room has a free slot')
  }

  *#makeRoom(): Routine<void> {
    while (this.#tables.size >= this.capacity) {
      const [oldest] = this.#tables.values()
      assert(oldest !== undefined, 'a full cache has tables')
      if (oldest.dirty) yield* this.#writeTable(oldest)
      if (this.#tables.get(oldest.offset) === oldest && !oldest.dirty) this.#remove(oldest)
    }
  }

  *#writeTable(table: Table): Routine<void> {
    if (!table.dirty) return
    if (this.#dependsOn !== undefined) yield* this.#settleDependency()
    else if (this.#dependsOnFlush) {
      yield* wait(this.#about.file().flush())
      this.#dependsOnFlush = false
    }
    yield* this.#about.writing(table.offset, table.bytes.length)
    yield* wait(this.#about.file().write(table.offset, table.bytes))
    table.dirty = false
  }

  *#settleDependency(): Routine<void> {
    if (this.#dependsOn !== undefined) yield* this.#dependsOn.flush()
    this.#dependsOn = undefined
    this.#dependsOnFlush = false
  }
}
