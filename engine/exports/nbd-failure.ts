/** Why a client of the NBD server is given up on. */

/** The client cannot be served any longer. The message is for the log. */
export class ClientFailed extends Error {
  override readonly name = 'ClientFailed'
}
