/** Reads single keys: at once from a terminal, otherwise from whatever is piped in. */
import type { Shell } from './verb.ts'

export interface Keys {
  /** The next key that is no blank; `undefined` at the end of input or on Ctrl-C. */
  next(): Promise<string | undefined>
  /** Gives the terminal back, as for an editor. */
  pause(): void
  close(): void
}

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'

export function readKeys(stdin: Shell['stdin']): Keys {
  const queue: string[] = []
  let ended = false
  let wake: (() => void) | undefined
  const raw = (on: boolean): void => {
    if (stdin.isTTY === true && 'setRawMode' in stdin) (stdin as NodeJS.ReadStream).setRawMode(on)
  }
  const onData = (chunk: Buffer | string): void => {
    for (const key of String(chunk)) queue.push(key)
    wake?.()
  }
  const onEnd = (): void => {
    ended = true
    wake?.()
  }
  const listen = (): void => {
    raw(true)
    stdin.resume()
  }
  stdin.on('data', onData)
  stdin.on('end', onEnd)
  return {
    async next() {
      listen()
      for (;;) {
        const key = queue.shift()
        if (key === CTRL_C || key === CTRL_D) return undefined
        if (key !== undefined && key.trim() !== '') return key
        if (key !== undefined) continue
        if (ended) return undefined
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        wake = undefined
      }
    },
    pause() {
      raw(false)
      stdin.pause()
    },
    close() {
      raw(false)
      stdin.pause()
      stdin.off('data', onData)
      stdin.off('end', onEnd)
    },
  }
}
