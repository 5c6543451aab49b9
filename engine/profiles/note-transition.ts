/** Profile `note-transition`: the note, with the old commands still there and flagged deprecated. */
import { note } from './note.ts'
import type { Profile } from './profile.ts'

export const noteTransition: Profile = {
  ...note,
  'jobs.speed': 'deprecated',
  legacyCommands: 'deprecated',
}
