/** `quorum`: writes to all children, reads what most of them agree on. */
import { defineDriver, type Child, type Instance } from '../../block/driver.ts'
import { opt } from '../../block/option.ts'
import { CONSISTENT_READ, WRITE, WRITE_UNCHANGED } from '../../block/permission.ts'
import { BlockError, ioError } from '../../util/errors.ts'
import { createReport } from './report.ts'
import { flush, readByVote, readInOrder, status, write, zero, type Quorum } from './requests.ts'

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
    children: { doc: 'The nodes that hold copies of the data.', role: { data: true }, list: true },
  },
  memberOrder: ['blkverify', 'children', 'vote-threshold', 'rewrite-corrupted', 'read-pattern'],
  strongOptions: ['vote-threshold', 'blkverify', 'rewrite-corrupted', 'read-pattern'],
  childrenFirst: false,
  addsChildren: true,
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
    const list = [...children.values()]
    const voting = isVoting(options)
    const blkverify = voting && options.blkverify === true
    const state: Quorum = {
      children: list,
      threshold: thresholdOf(options),
      blkverify,
      rewriteCorrupted: rewrites(options),
      report: createReport(node, services),
      node,
      services,
    }
    return {
      ...requests(state, voting),
      ...membership(state, list, blkverify),
    }
  },
})

function requests(state: Quorum, voting: boolean): Instance {
  return {
    length: () => lengthOf(state.children),
    read: (offset, into) =>
      voting ? readByVote(state, offset, into) : readInOrder(state, offset, into),
    write: (offset, data, flags) => write(state, offset, data, flags),
    zero: (offset, bytes, flags) =>
      zero(state, offset, bytes, zeroesFast(state) ? flags : { ...flags, mayUnmap: false }),
    flush: () => flush(state),
    status: (offset, bytes, query) => status(state, { offset, bytes }, query),
    get supports() {
      return { unchanged: true, fastZero: zeroesFast(state) }
    },
  }
}

/** As in 7.2, where one child knows no special zeroing, none of them gives storage up either. */
function zeroesFast({ children }: Quorum): boolean {
  return children.every((child) => child.supportsFastZero())
}

type Membership = Required<
  Pick<Instance, 'childToAdd' | 'childAdded' | 'checkChildRemoval' | 'childRemoved'>
>

/** Adding and removing children. Names go on counting, so an edge keeps its name. */
function membership(state: Quorum, list: Child[], blkverify: boolean): Membership {
  let next = list.length
  return {
    childToAdd() {
      if (blkverify) throw new BlockError('Cannot add a child to a quorum in blkverify mode')
      return `children.${String(next)}`
    },
    childAdded(child) {
      list.push(child)
      next++
    },
    checkChildRemoval() {
      if (list.length > state.threshold) return
      throw new BlockError(
        'The number of children cannot be lower than the vote threshold ' + String(state.threshold),
      )
    },
    childRemoved(name) {
      list.splice(
        list.findIndex((child) => child.name === name),
        1,
      )
      // QEMU hands the highest name out again, and only that one.
      if (name === `children.${String(next - 1)}`) next--
    },
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
