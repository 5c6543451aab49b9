/** Bounds on what either side takes from the other. Nothing a peer sends makes us hold more. */

/** Export names, descriptions and context names: the protocol's own bound, in bytes. */
export const MAX_STRING_BYTES = 4096
/** Payload of a read, a write or an option. */
export const MAX_PAYLOAD_BYTES = 32 << 20
/** Requests of one client that are worked on at once; further ones wait unread. */
export const MAX_REQUESTS = 16
/** Extents in one answer to a block status request. */
export const MAX_STATUS_EXTENTS = (1 << 20) / 8
/** Exports in one list, contexts in one answer, and replies to one option: no peer needs more. */
export const MAX_OPTION_REPLIES = 16_384
/** Unread bytes that we hold before asking the stream to pause. */
export const MAX_UNREAD_BYTES = 4 << 20
