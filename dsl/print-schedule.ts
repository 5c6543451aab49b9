/** Canonical spelling of schedules: what replays an order is printed as it is read. */
import type { TaskChoice } from './plan.ts'
import type { ScheduleAst } from './grammar/ast.ts'

export function printSchedule(schedule: ScheduleAst): string {
  switch (schedule.kind) {
    case 'free':
      return 'free'
    case 'all':
      return schedule.bound === null ? 'all' : `all ${String(schedule.bound.value)}`
    case 'seed':
      return `seed ${String(schedule.seed.value)}`
    case 'fixed':
      return printFixed(
        schedule.order.map(({ name }) => name),
        schedule.tasks,
      )
  }
}

export function printFixed(order: readonly string[], tasks: readonly TaskChoice[]): string {
  const picks = tasks.map(({ at, pick }) => `${String(at)}:${String(pick)}`)
  const rest = picks.length === 0 ? '' : ` tasks [${picks.join(', ')}]`
  return `fixed [${order.join(', ')}]${rest}`
}
