/** Values that may come at once or later. The hot paths await only what is a promise. */

export type MaybePromise<T> = T | Promise<T>

export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return value instanceof Promise
}

/** Runs `after` when the promise settles, in time for all who wait for the result. */
export function always<T>(promise: Promise<T>, after: () => void): Promise<T> {
  return promise.then(
    (value) => {
      after()
      return value
    },
    (error: unknown) => {
      after()
      throw error
    },
  )
}

/** Goes on when the value is there: at once, if it is. */
export function andThen<T, U>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return isPromise(value) ? value.then(next) : next(value)
}

/** Runs `after` when `run` is over, also if it failed; what `after` throws comes first. */
export function andFinally(
  run: () => MaybePromise<void>,
  after: (ok: boolean) => MaybePromise<void>,
): MaybePromise<void> {
  let running: MaybePromise<void>
  try {
    running = run()
  } catch (error) {
    return andThen(after(false), () => {
      throw error
    })
  }
  if (!isPromise(running)) return after(true)
  return running.then(
    () => after(true),
    async (error: unknown) => {
      await after(false)
      throw error
    },
  )
}
