/** The phases of a session and what each of them refuses, as data. */

export type Phase = 'negotiating' | 'serving'

interface PhaseRule {
  /** The one command that this phase takes, or the one that it does not take. */
  readonly takes: 'only' | 'all-but'
  readonly refusal: string
}

const NEGOTIATE = 'qmp_capabilities'

const PHASES: Readonly<Record<Phase, PhaseRule>> = {
  negotiating: {
    takes: 'only',
    refusal: `Expecting capabilities negotiation with '${NEGOTIATE}'`,
  },
  serving: {
    takes: 'all-but',
    refusal: 'Capabilities negotiation is already complete, command ignored',
  },
}

/** Why a command cannot run in this phase, if it cannot. */
export function refusalIn(phase: Phase, command: string): string | undefined {
  const { takes, refusal } = PHASES[phase]
  const isNegotiation = command === NEGOTIATE
  return isNegotiation === (takes === 'only') ? undefined : refusal
}
