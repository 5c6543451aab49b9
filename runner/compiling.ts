/**
 * How V8 makes machine code, and when it collects. Its own way is that of a program that does the same
 * for long, with processors to spare: a second one is often half of the first, and cases are short and
 * differ. Figures are the median of a case, `run -j1`, mean of several runs in turn, on two such processors.
 */
import { setFlagsFromString } from 'node:v8'

/** A program is over before most functions are worth it: what is called is compiled, plainly. 6.0 to 5.3 ms. */
export function compileAtOnce(): void {
  setFlagsFromString('--always-sparkplug')
}

/** Bytes of bytecode that a function runs before V8 optimises it; by itself 132 KiB. */
const OPTIMISE_AFTER = 90_000
/** Where all processors play cases, threads that optimise took a quarter of all time. */
const OPTIMISE_AFTER_BUSY = 300_000

/** Bytes of bytecode that become part of another function; by itself 920. Small pieces are soon compiled. */
const MOST_INLINED = 100

/**
 * By how many percent of what is in use the heap may grow before V8 goes through all of it again.
 * By itself it does so after a few megabytes: what cases leave behind is large and short-lived, what
 * stays is the suite, and a tenth of all processor time went into looking at that.
 */
const HEAP_GROWTH_PERCENT = 400

/**
 * Before cases are played on the engine. 5.4 to 4.4 ms.
 *
 * @param busy - No processor is left over.
 */
export function compileForCases(busy: boolean): void {
  setFlagsFromString(`--interrupt-budget=${String(busy ? OPTIMISE_AFTER_BUSY : OPTIMISE_AFTER)}`)
  setFlagsFromString(`--max-inlined-bytecode-size-cumulative=${String(MOST_INLINED)}`)
  setFlagsFromString(`--heap-growing-percent=${String(HEAP_GROWTH_PERCENT)}`)
}
