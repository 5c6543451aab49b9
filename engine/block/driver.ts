/**
 * The driver API: what a driver declares, what it gets when a node opens, and what it gives back.
 *
 * A driver sees its children as `BlockIo` values and cannot name the graph. What else it needs of
 * the world comes through `Services`. Offsets and lengths are bytes. Methods that move data may
 * return at once or return a promise; failures are `BlockError`s of which callers read the errno.
 */
export type * from './bitmaps.ts'
export type * from './child.ts'
export type * from './context.ts'
export type * from './copier.ts'
export type {
  CreateContext,
  Creation,
  Driver,
  Legacy,
  NewImageFile,
  NodeDescription,
} from './declaration.ts'
export { isProtocol } from './declaration.ts'
export { defineDriver, defineFilter, infoBelow } from './define.ts'
export type * from './info.ts'
export type * from './instance.ts'
export type * from './io.ts'
