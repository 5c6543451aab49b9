/**
 * A badly behaved target for tests: speaks enough QMP to be probed, then does what its first word
 * says: `dies`, `hangs`, `garbage`, `flood`, `events`, `long`, `silent`, `aborts`, `deaf`.
 */
const how = process.argv[2]
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\r\n`)
const schema = [
  { name: 'query-version', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0' },
  { name: 'query-status', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0' },
  { name: '0', 'meta-type': 'object', members: [] },
]

if (how === 'deaf') process.on('SIGTERM', () => undefined)
if (how === 'silent') setInterval(() => undefined, 1000)
else
  say({
    QMP: { version: { qemu: { major: 7, minor: 2, micro: 1 }, package: '' }, capabilities: [] },
  })

const misbehave = {
  dies: () => process.exit(3),
  aborts: () => process.abort(),
  hangs: () => undefined,
  deaf: () => undefined,
  garbage: () => process.stdout.write('hello, I am no QMP\n'),
  cut: () => {
    process.stdout.write('{"return": ')
    process.exit(0)
  },
  flood: () => {
    const many = '{"event": "X", "data": {}}\n'.repeat(1000)
    const more = () => {
      while (process.stdout.write(many));
      process.stdout.once('drain', more)
    }
    more()
  },
  long: () => {
    process.stdout.write('{"return": "')
    const more = () => {
      while (process.stdout.write('y'.repeat(65536)));
      process.stdout.once('drain', more)
    }
    more()
  },
}

let buffer = ''
process.stdin.on('data', (chunk) => {
  buffer += chunk
  for (;;) {
    const end = buffer.indexOf('\n')
    if (end < 0) return
    const message = JSON.parse(buffer.slice(0, end))
    buffer = buffer.slice(end + 1)
    if (message.execute === 'query-status') misbehave[how]?.()
    else if (message.execute === 'query-qmp-schema') say({ return: schema, id: message.id })
    else say({ return: {}, id: message.id })
  }
})
process.stdin.on('end', () => process.exit(0))
