/** The user that this process runs for, looked up when somebody asks. */
import { userInfo, type UserInfo } from 'node:os'
import type { Account } from '../host.ts'

export function systemAccount(): Account {
  return {
    get user() {
      return entry()?.username ?? String(process.getuid?.() ?? '')
    },
    get home() {
      return entry()?.homedir
    },
    get keyAgent() {
      return process.env['SSH_AUTH_SOCK']
    },
  }
}

/** The user's entry in the system's table, which the environment cannot change. */
function entry(): UserInfo<string> | undefined {
  try {
    return userInfo({ encoding: 'utf8' })
  } catch {
    // Processes may run for a number that nobody has.
    return undefined
  }
}
