/** Diagnostics of `blockspec lint` alone: the scenario runs, but could be better. */
export const LINT_CODES = {
  'golden-only':
    'A scenario that shows clauses without an inline claim can not bind other implementations, since the golden binds only its recording target.',
  'refuses-nothing':
    'A scenario that refuses clauses needs a claim that something fails: expect: error, => E…, => refused, or never.',
  'many-claims': 'More than 25 inline claims: lean on the golden for what no clause demands.',
  'no-clause': 'A scenario names the clauses that it shows or refuses.',
  'ambiguous-name': 'A node and an image have this name; node: and img: say which is meant.',
  'unused-param': 'Nothing depends on the parameter.',
  'unused-image': 'Nothing refers to the image.',
  'never-awaited': 'A request with a tag is never awaited.',
  'no-phase': 'Long scenarios are cut into phases: on failure only the failing one is printed.',
  'duplicate-phase': 'Two phases have the same title; goldens and reports name phases.',
  'duplicate-id': 'Two steps have the same id.',
  'title-style': 'Titles and phases are no sentences: no full stop, at most 90 characters.',
  'wide-matrix':
    'Goldens of a matrix of more than three variables are hard to read: split the scenario.',
  'hidden-step': 'More than a fifth of the steps leave no line in the golden.',
  'fault-missed':
    'A fault with a range matches requests that touch its first sector; this one begins behind it.',
  'silent-branch':
    'Steps under a condition that only the target decides leave no line in the golden, so that it can be compared on every target. Their claims judge them.',
  'any-outcome': 'expect: any and => any claim nothing.',
} as const
