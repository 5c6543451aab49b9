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
