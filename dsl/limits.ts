/** Upper bounds on everything a scenario file can ask for. Files are untrusted input. */
export const LIMITS = {
  /** UTF-16 units of one file; checked before anything is parsed. */
  fileLength: 256 * 1024,
  /** Levels of YAML collections inside each other. */
  nesting: 40,
  /** Nodes of one file once every alias and merge key is expanded. */
  expandedNodes: 30_000,
  /** Cases of one scenario. */
  cases: 500,
  /** Steps of a scenario, loops unrolled, all cases together. */
  steps: 30_000,
  /** I/O lines of a scenario, `for` unrolled, all cases together. */
  ioLines: 60_000,
  /** Fragments inside each other. */
  useDepth: 8,
  /** Characters of a regular expression. */
  regexLength: 300,
  /** Unbounded repetitions in a regular expression. */
  regexRepeats: 6,
  /** Levels of brackets and negations in a mini-language. */
  miniNesting: 40,
  /** Problems reported for one file. */
  problems: 200,
  /** Inline claims above which lint points at the golden. */
  claims: 25,
} as const
