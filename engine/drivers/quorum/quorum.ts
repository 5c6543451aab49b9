/** `quorum`: writes to all children, reads what most of them agree on. */
import {
  defineDriver,
  type Child,
  type Instance,
  type Reopening,
  type ReopenQuery,
} from '../../block/driver.ts'
import { opt } from '../../block/option.ts'
import { CONSISTENT_READ, WRITE, WRITE_UNCHANGED } from '../../block/permission.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { createReport } from './report.ts'
import {
  flush,
  readByVote,
  readInOrder,
  status,
  write,
  zero,
  type Quorum,
  type Settings,
} from './requests.ts'

interface Options {
  readonly 'vote-threshold': number
  readonly blkverify: boolean | undefined
  readonly 'rewrite-corrupted': boolean | undefined
  readonly 'read-pattern': 'quorum' | 'fifo' | undefined
}

export const quorum = defineDriver({
  name: 'quorum',
  kind: 'format',
  doc: 'Writes to all of its children and reads what enough of them agree on.',
  options: {
    blkverify: opt.bool({ optional: true, doc: 'Stop at the first difference of two children.' }),
    'vote-threshold': opt.int({ doc: 'Children that must agree.' }),
    'rewrite-corrupted': opt.bool({ optional: true, doc: 'Repair children that differ.' }),
    'read-pattern': opt.enum('QuorumReadPattern', ['quorum', 'fifo'])({
      optional: true,
      doc: 'Compare all children (quorum, the default) or read the first that answers (fifo).',
    }),
  },
  children: {
    children: {
      doc: 'The nodes that hold copies of the data.',
      role: { data: true },
      list: true,
      holes: 'quorum.holes',
    },
  },
  memberOrder: ['blkverify', 'children', 'vote-threshold', 'rewrite-corrupted', 'read-pattern'],
  strongOptions: ['vote-threshold', 'blkverify', 'rewrite-corrupted', 'read-pattern'],
  childrenFirst: false,
  addsChildren: true,
  reopenable: ['vote-threshold', 'blkverify', 'rewrite-corrupted', 'read-pattern'],
  agreement: 'vote',
  check: ({ options, counts }) => {
    checkOptions(options, counts['children'] ?? 0)
  },
  // Whoever else writes to a child makes it differ from the others.
  claims: ({ above, options }) => ({
    uses: above.uses | (rewrites(options) ? WRITE : 0),
    shares: above.shares & (CONSISTENT_READ | WRITE_UNCHANGED),
  }),
  open: ({ options, node, children, services }) => {
    const state: Quorum = {
      settings: settingsOf(options),
      children: inPlaces(children),
      report: createReport(node, services),
      node,
      services,
    }
    return {
      ...requests(state),
      ...membership(state, children),
      ...(services.profile['quorum.reopen'] ? { reopen: reopening(state) } : {}),
    }
  },
})

type Children = ReadonlyMap<string, Child>

/** Names go on counting, so that they tell the order. */
function inPlaces(children: Children): readonly Child[] {
  const place = ({ name }: Child): number => Number(name.slice(name.lastIndexOf('.') + 1))
  return [...children.values()].sort((left, right) => place(left) - place(right))
}

function requests(state: Quorum): Instance {
  return {
    length: () => lengthOf(state.children),
    read: (offset, into) =>
      state.settings.voting ? readByVote(state, offset, into) : readInOrder(state, offset, into),
    write: (offset, data, flags) => write(state, offset, data, flags),
    zero: (offset, bytes, flags) =>
      zero(state, offset, bytes, unmapsZeroes(state) ? flags : { ...flags, mayUnmap: false }),
    flush: () => flush(state),
    status: (offset, bytes, query) => status(state, { offset, bytes }, query),
    get supports() {
      const fastZero = state.children.every((child) => child.supportsFastZero())
      return { unchanged: true, unmapZero: unmapsZeroes(state), fastZero }
    },
  }
}

/** As in 7.2, where one child gives no storage up by zeroing, none of them does. */
function unmapsZeroes({ children }: Quorum): boolean {
  return children.every((child) => child.supportsUnmapZero())
}

type Membership = Required<
  Pick<Instance, 'childToAdd' | 'checkChildRemoval' | 'checkChildren' | 'childrenChanged'>
>

/** Adding and removing children. Names go on counting, so an edge keeps its name. */
function membership(state: Quorum, children: Children): Membership {
  let next = state.children.length
  return {
    childToAdd() {
      if (state.settings.blkverify) {
        throw new BlockError('Cannot add a child to a quorum in blkverify mode')
      }
      return `children.${String(next)}`
    },
    checkChildRemoval() {
      const { threshold } = state.settings
      if (state.children.length > threshold) return
      throw new BlockError(
        `The number of children cannot be lower than the vote threshold ${String(threshold)}`,
      )
    },
    checkChildren() {
      try {
        lengthOf(inPlaces(children))
      } catch (error) {
        if (!(error instanceof BlockError)) throw error
        throw new BlockError('The children of a quorum must have one length', {
          errno: error.errno,
        })
      }
    },
    childrenChanged({ added, removed }) {
      state.children = inPlaces(children)
      if (added !== undefined) next++
      // QEMU hands the highest name out again, and only that one.
      if (removed === `children.${String(next - 1)}`) next--
    },
  }
}

/** The options as restated; children have changed by then. */
function reopening(state: Quorum): (next: ReopenQuery) => Reopening {
  return ({ options }) => ({
    commit() {
      // They were checked against the declaration.
      state.settings = settingsOf(options as unknown as Options)
    },
  })
}

function settingsOf(options: Options): Settings {
  const voting = isVoting(options)
  return {
    threshold: thresholdOf(options),
    voting,
    blkverify: voting && options.blkverify === true,
    rewriteCorrupted: rewrites(options),
  }
}

/** QEMU keeps the threshold in 32 bits. */
function thresholdOf(options: Options): number {
  return options['vote-threshold'] | 0
}

/** In the other mode nothing is compared, so the options that react to differences are idle. */
function isVoting(options: Options): boolean {
  return options['read-pattern'] !== 'fifo'
}

function rewrites(options: Options): boolean {
  return isVoting(options) && options['rewrite-corrupted'] === true
}

function checkOptions(options: Options, count: number): void {
  if (count === 0) throw new BlockError('Number of provided children must be 1 or more')
  const threshold = thresholdOf(options)
  if (threshold < 1) throw new BlockError("Parameter 'vote-threshold' expects a value >= 1")
  if (threshold > count) throw new BlockError('threshold may not exceed children count')
  if (!isVoting(options)) return
  if (options.blkverify === true && (count !== 2 || threshold !== 2)) {
    throw new BlockError(
      'blkverify=on can only be set if there are exactly two files and vote-threshold is 2',
    )
  }
  if (options.blkverify === true && options['rewrite-corrupted'] === true) {
    throw new BlockError('rewrite-corrupted=on cannot be used with blkverify=on')
  }
}

/** @throws {BlockError} `EIO` if the children differ. */
function lengthOf(children: readonly Child[]): number {
  const [first, ...others] = children.map((child) => child.length())
  if (first === undefined || others.some((length) => length !== first)) throw ioError('EIO')
  return first
}
