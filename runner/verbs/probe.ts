/** `blockspec probe`: what a target is and what it can do, from its own answers. */
import type { Capabilities } from '../targets/target.ts'
import { toggle } from './flags.ts'
import { openTarget, TARGET_FLAGS } from './target-flag.ts'
import { defineVerb, EXIT, takeWords, type Output } from './verb.ts'

export const probe = defineVerb({
  name: 'probe',
  usage: 'TARGET',
  doc: 'Starts a target, asks it what it is, and shows version, schema hash, clock, I/O channels and capabilities.',
  examples: ['blockspec probe engine', 'blockspec probe qsd:/usr/bin/qemu-storage-daemon'],
  flags: {
    'i-own-it': TARGET_FLAGS['i-own-it'],
    'timeout-scale': TARGET_FLAGS['timeout-scale'],
    json: toggle({ doc: 'One JSON object.' }),
  },
  async run({ flags, words, shell }) {
    const [spec = ''] = takeWords('probe', words, ['TARGET'])
    const target = await openTarget(
      spec,
      { owned: flags['i-own-it'], timeoutScale: flags['timeout-scale'] ?? 1 },
      shell,
    )
    const found = await target.probe()
    if (flags.json) shell.stdout.write(`${JSON.stringify(asJson(found))}\n`)
    else print(found, shell.stdout)
    return EXIT.ok
  },
})

function sorted(names: ReadonlySet<string>): readonly string[] {
  return [...names].sort()
}

function asJson(found: Capabilities) {
  const { kind, known, version, title, schemaHash, clock, profiles, channels } = found
  return {
    kind,
    known,
    version,
    title,
    schemaHash,
    clock,
    profiles,
    channels,
    commands: sorted(found.commands),
    events: sorted(found.events),
    drivers: sorted(found.drivers),
    objects: sorted(found.objects),
    exports: sorted(found.exports),
  }
}

function print(found: Capabilities, out: Output): void {
  const { commands, events, drivers, objects, exports } = found
  const lines: readonly (readonly [string, string])[] = [
    ['target', found.title],
    ['version', found.version],
    ['known as', found.known ?? 'nothing: it has no divergences of its own'],
    ['schema', found.schemaHash],
    ['clock', found.clock],
    ['profiles', found.profiles.join(' ')],
    ['channels', found.channels.join(' ')],
    [`drivers (${drivers.size})`, sorted(drivers).join(' ')],
    [`exports (${exports.size})`, sorted(exports).join(' ')],
    [`objects (${objects.size})`, sorted(objects).join(' ')],
    [`events (${events.size})`, sorted(events).join(' ')],
    [`commands (${commands.size})`, sorted(commands).join(' ')],
  ]
  for (const [name, value] of lines) out.write(`${name.padEnd(14)} ${value}\n`)
}
