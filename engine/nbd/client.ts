/**
 * An NBD client over any byte stream: handshake, then as many requests at once as the caller likes.
 * It is the one channel by which scenarios do I/O, on every target. (Signatures first.)
 */
import type { ByteStream } from '../host/host.ts'

export interface NbdConnectOptions {
  /** Export name; empty means the server's default one. */
  readonly export?: string
  /** Negotiate structured replies, which block status needs. True unless said otherwise. */
  readonly structured?: boolean
  /** Meta contexts to ask for; none unless said otherwise. Needs structured replies. */
  readonly metaContexts?: readonly string[]
}

/** What the server said about the export. */
export interface NbdExportInfo {
  readonly size: number
  /** Transmission flags as sent. */
  readonly flags: number
  readonly readOnly: boolean
  /** Smallest length and alignment that requests may have; 1 where the server did not say. */
  readonly minimumBlock: number
  readonly preferredBlock: number
  readonly maximumPayload: number
  readonly name: string | undefined
  readonly description: string | undefined
  /** The contexts that were negotiated. */
  readonly metaContexts: readonly string[]
}

/** A run of one state as one meta context describes it; `flags` are the context's own. */
export interface NbdExtent {
  readonly bytes: number
  readonly flags: number
}

export interface NbdStatus {
  readonly context: string
  /** At least one; they cover the range from its start, perhaps not to its end. */
  readonly extents: readonly NbdExtent[]
}

export declare class NbdClient {
  static connect(stream: ByteStream, options?: NbdConnectOptions): Promise<NbdClient>
  /** Names of the exports; uses up the stream. */
  static list(
    stream: ByteStream,
  ): Promise<readonly { readonly name: string; readonly description: string }[]>
  readonly info: NbdExportInfo
  read(offset: number, bytes: number): Promise<Uint8Array>
  write(offset: number, data: Uint8Array, flags?: { readonly fua?: boolean }): Promise<void>
  zero(
    offset: number,
    bytes: number,
    flags?: { readonly fua?: boolean; readonly noHole?: boolean; readonly fast?: boolean },
  ): Promise<void>
  trim(offset: number, bytes: number, flags?: { readonly fua?: boolean }): Promise<void>
  cache(offset: number, bytes: number): Promise<void>
  flush(): Promise<void>
  /** @throws {BlockError} when no context was negotiated. */
  blockStatus(
    offset: number,
    bytes: number,
    flags?: { readonly one?: boolean },
  ): Promise<readonly NbdStatus[]>
  /** Tells the server goodbye and closes the stream. Requests under way fail with ESHUTDOWN. */
  disconnect(): Promise<void>
}
