/**
 * A badly behaved target for tests: speaks enough QMP to be probed, then does what its first word
 * says: `dies`, `hangs`, `garbage`, `cut`, `flood`, `long`, `aborts`, `deaf`, `confesses`.
 */
import { connect } from 'node:net'

const how = process.argv[2]
const [, path] = /path=([^,\s]*)/.exec(process.argv.join(' ')) ?? []
const output = connect(path)
const say = (message) => output.write(`${JSON.stringify(message)}\r\n`)
const schema = [
  { name: 'query-version', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0' },
  { name: 'query-status', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0' },
  { name: '0', 'meta-type': 'object', members: [] },
]

if (how === 'deaf') process.on('SIGTERM', () => undefined)

say({
  QMP: { version: { qemu: { major: 7, minor: 2, micro: 1 }, package: '' }, capabilities: [] },
})

const misbehave = {
  dies: () => process.exit(3),
  aborts: () => {
    process.stderr.write('its last words\n')
    process.abort()
  },
  hangs: () => undefined,
  deaf: () => undefined,
  garbage: () => output.write('hello, I am no QMP\n'),
  cut: () => {
    output.write('{"return": ')
    process.exit(0)
  },
  confesses: ({ id }) => {
    process.stderr.write('hw.c:3:5: runtime error: index 4 out of bounds\n')
    say({ return: {}, id })
  },
  flood: () => {
    const many = '{"event": "X", "data": {}}\n'.repeat(1000)
    const more = () => {
      while (output.write(many));
      output.once('drain', more)
    }
    more()
  },
  long: () => {
    output.write('{"return": "')
    const more = () => {
      while (output.write('y'.repeat(65536)));
      output.once('drain', more)
    }
    more()
  },
}

let buffer = ''
output.on('data', (chunk) => {
  buffer += chunk
  for (;;) {
    const end = buffer.indexOf('\n')
    if (end < 0) return
    const message = JSON.parse(buffer.slice(0, end))
    buffer = buffer.slice(end + 1)
    if (message.execute === 'query-status') misbehave[how]?.(message)
    else if (message.execute === 'query-qmp-schema') say({ return: schema, id: message.id })
    else say({ return: {}, id: message.id })
  }
})
output.on('end', () => process.exit(0))
