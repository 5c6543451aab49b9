/** What is to be opened: the options of a node on its way, its driver as far as known, its name. */
import type { ChildRole, Driver } from '../block/driver.ts'
import { BlockError } from '../util/errors.ts'
import { chooseDriver, type NameUse } from './choose-driver.ts'
import type { Environment } from './environment.ts'
import { jsonOptions } from './filename.ts'
import { inheritOptions, OPEN_DEFAULTS } from './flags.ts'
import { copied, putMissing, type FlatOptions } from './flat.ts'
import type { Node } from './node.ts'

/** The node whose child is to be opened, as far as the child takes after it. */
interface Heritage {
  /** Absent while the parent itself is still without a driver. */
  readonly node: Node | undefined
  readonly options: ReadonlyMap<string, unknown>
  readonly role: ChildRole
  readonly depth: number
  readonly above: Above
  /** Its driver's `open` asks for the child, or that of a node above. */
  readonly withinOpening?: boolean
  /** Damage of a node above does not keep it closed, and nor does this one's. */
  readonly forCheck?: boolean
}

/** Backing images that headers alone name, each with its format, from the top down to here. */
type Above = ReadonlySet<string>

/** One node to open: by its options, a file name, or both; or one that is there already. */
export interface OpenQuery extends NameUse {
  readonly filename?: string | undefined
  readonly reference?: string | undefined
  readonly options: FlatOptions
  /** What holds where nothing else is said. */
  readonly inherited?: FlatOptions
  readonly parent?: Heritage
  readonly noBacking?: boolean
  readonly forCheck?: boolean
}

/** A node on its way. */
export interface Opening {
  /** What was asked for, and nothing else. */
  readonly explicit: FlatOptions
  /** The same with what is inherited and what names say; never changed from here on. */
  readonly all: FlatOptions
  /** Those that nobody has read yet. */
  readonly rest: FlatOptions
  readonly driver: Driver | undefined
  /** Of the file below. */
  readonly filename: string | undefined
  readonly noBacking: boolean
  /** That was the options' wish, so that the node's name shows it. */
  readonly showsNoBacking: boolean
  /** That was the wish of whoever opens it. */
  readonly openedAlone: boolean
  readonly forCheck: boolean
  readonly depth: number
  readonly above: Above
  /** The `open` of a node above waits for it. */
  readonly withinOpening: boolean
}

export function openingOf(environment: Environment, query: OpenQuery): Opening {
  const options: FlatOptions = new Map(query.options)
  const inName =
    query.filename === undefined ? undefined : jsonOptions(query.filename, environment.parseJson)
  if (inName !== undefined) putMissing(options, inName)
  const explicit = copied(options)
  const { parent } = query
  if (parent !== undefined) inheritOptions(options, parent.options, parent.role)
  if (query.inherited !== undefined) putMissing(options, query.inherited)
  const { driver, filename } = chooseDriver(
    environment,
    options,
    inName === undefined ? query.filename : undefined,
    query,
  )
  putMissing(options, OPEN_DEFAULTS)
  const noBacking = dropNoBacking(environment, options)
  if (noBacking) explicit.delete('backing')
  return {
    explicit,
    all: new Map(options),
    rest: options,
    driver,
    filename,
    noBacking: noBacking || query.noBacking === true,
    showsNoBacking: noBacking,
    openedAlone: query.noBacking === true,
    forCheck: query.forCheck === true || parent?.forCheck === true,
    depth: parent?.depth ?? 0,
    above: parent?.above ?? new Set(),
    withinOpening: parent?.withinOpening === true,
  }
}

/** Whether the options say that there is to be no backing image. */
function dropNoBacking({ services, profile }: Environment, options: FlatOptions): boolean {
  const backing = options.get('backing')
  if (backing !== null && backing !== '') return false
  if (backing === '' && !profile['options.emptyBacking']) {
    throw new BlockError('"backing": "" names no node; use "backing": null')
  }
  if (backing === '') {
    services.log(
      'warning: Use of "backing": "" is deprecated; use "backing": null instead',
      'asked',
    )
  }
  options.delete('backing')
  return true
}
