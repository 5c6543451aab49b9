/** Where new requests of one client wait while a drained section lasts. */
export class Gate {
  #waiting: Promise<void> | undefined
  #open: () => void = () => undefined

  /** Settles when the gate opens; absent while it is open. It may have closed again by then. */
  get waiting(): Promise<void> | undefined {
    return this.#waiting
  }

  close(): void {
    this.#waiting ??= new Promise((resolve) => {
      this.#open = resolve
    })
  }

  open(): void {
    this.#waiting = undefined
    this.#open()
  }
}
