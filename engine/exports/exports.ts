/** What the rest of the engine may ask of exports. (Signatures first.) */
import type { SocketAddress } from '../host/host.ts'

export interface NbdServerOptions {
  readonly addr: SocketAddress
  readonly 'max-connections'?: number | undefined
  readonly 'tls-creds'?: string | undefined
  readonly 'tls-authz'?: string | undefined
}

/** Arguments of `block-export-add` with `type: nbd`, defaults not yet filled in. */
export interface NbdExportOptions {
  readonly type: 'nbd'
  readonly id: string
  readonly 'node-name': string
  readonly name?: string | undefined
  readonly description?: string | undefined
  readonly writable?: boolean | undefined
  readonly writethrough?: boolean | undefined
  readonly 'fixed-iothread'?: boolean | undefined
  readonly iothread?: string | undefined
  readonly bitmaps?: readonly unknown[] | undefined
  readonly 'allocation-depth'?: boolean | undefined
}

/** One element of `query-block-exports`. */
export interface ExportInfo {
  readonly 'node-name': string
  readonly 'shutting-down': boolean
  readonly type: 'nbd'
  readonly id: string
}

export interface Exports {
  startServer(options: NbdServerOptions): Promise<void>
  stopServer(): Promise<void>
  add(options: NbdExportOptions): Promise<void>
  /** Returns when the command may be answered; the event may come before or after. */
  remove(id: string, mode: 'safe' | 'hard'): Promise<void>
  list(): readonly ExportInfo[]
  /** Stops the server and removes every export, as at the end of the daemon. */
  closeAll(): Promise<void>
}

export interface ExportServices {
  /** Raises a QMP event such as BLOCK_EXPORT_DELETED. */
  readonly emit: (event: string, data: Readonly<Record<string, unknown>>) => void
}
