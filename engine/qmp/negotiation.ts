/** The phases of a session and what each of them refuses, as data. */

export type Phase = 'negotiating' | 'serving'

interface PhaseRule {
  /** The one command that this phase takes, or the one that it does not take. */
  readonly takes: 'only' | 'all-but'
  readonly refusal: Refusal
}

export interface Refusal {
  readonly text: string
  /** What it comes before: looking at the arguments, or doing the work. */
  readonly before: 'arguments' | 'work'
}

const NEGOTIATE = 'qmp_capabilities'

const PHASES: Readonly<Record<Phase, PhaseRule>> = {
  negotiating: {
    takes: 'only',
    refusal: {
      text: `Expecting capabilities negotiation with '${NEGOTIATE}'`,
      before: 'arguments',
    },
  },
  serving: {
    takes: 'all-but',
    refusal: {
      text: 'Capabilities negotiation is already complete, command ignored',
      before: 'work',
    },
  },
}

/** Why a command cannot run in this phase, if it cannot. */
export function refusalIn(phase: Phase, command: string): Refusal | undefined {
  const { takes, refusal } = PHASES[phase]
  const isNegotiation = command === NEGOTIATE
  return isNegotiation === (takes === 'only') ? undefined : refusal
}
