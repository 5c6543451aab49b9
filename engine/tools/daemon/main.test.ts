/** The storage daemon: command lines that are refused, and one that is served. */
import assert from 'node:assert/strict'
import { streamPair } from '../../host/pair.ts'
import { createSimHost } from '../../host/sim/index.ts'
import type { SimHost } from '../../host/sim/index.ts'
import { storageDaemon } from './main.ts'
import { processSurroundings } from './surroundings.ts'

interface Started {
  readonly host: SimHost
  readonly status: Promise<number>
  readonly output: () => string
  readonly errors: () => string
  /** What came over standard output as a monitor's stream. */
  readonly monitor: () => string
  readonly send: (text: string) => Promise<void>
  readonly terminate: () => void
}

function start(argv: readonly string[], host = createSimHost()): Started {
  let output = ''
  let errors = ''
  let received = ''
  let terminate: () => void = () => undefined
  const [ours, served] = streamPair(host)
  ours.onData((chunk) => {
    received += new TextDecoder().decode(chunk)
  })
  const status = storageDaemon(host, argv, {
    program: 'daemon',
    stdout: (text) => {
      output += text
    },
    stderr: (text) => {
      errors += text
    },
    surroundings: {
      pid: 4711,
      stdio: () => served,
      onTerminate: (end) => {
        terminate = end
        return () => undefined
      },
      isTwin: false,
      reportReady: () => undefined,
      spawnTwin: () => Promise.resolve(77),
    },
  })
  return {
    host,
    status,
    output: () => output,
    errors: () => errors,
    monitor: () => received,
    async send(text) {
      void ours.write(new TextEncoder().encode(text))
      await host.idle()
    },
    terminate: () => terminate(),
  }
}

const HINT = "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.\n"

/** Command lines that end with status 1, and what stands on standard error. */
const REFUSED: readonly (readonly [argv: readonly string[], error: string])[] = [
  [['--zz'], "daemon: unrecognized option '--zz'\n"],
  [['-z'], "daemon: invalid option -- 'z'\n"],
  [['--blockdev'], "daemon: option '--blockdev' requires an argument\n"],
  [['zz'], 'daemon: zz: Unexpected argument\n'],
  [
    ['--blockdev', 'x', 'zz'],
    "daemon: --blockdev x: Parameter 'driver' does not accept value 'x'\n",
  ],
  [['--blockdev=x'], "daemon: --blockdev=x: Parameter 'driver' does not accept value 'x'\n"],
  [['--blockdev', ''], "daemon: --blockdev : Parameter 'driver' is missing\n"],
  [
    ['--blockdev', 'null-co'],
    "daemon: --blockdev null-co: 'node-name' must be specified for the root node\n",
  ],
  [
    ['--blockdev', 'null-co,size=1x'],
    "daemon: --blockdev null-co,size=1x: Parameter 'size' expects integer\n",
  ],
  [['--blockdev', 'help'], 'daemon: --blockdev help: Help is not available for this option\n'],
  [['--blockdev', '{}'], "daemon: --blockdev {}: Parameter 'driver' is missing\n"],
  [['--blockdev', '{'], 'daemon: --blockdev {: JSON parse error, premature EOI\n'],
  [
    ['--blockdev', '{"driver":"null-co","size":"1"}'],
    `daemon: --blockdev {"driver":"null-co","size":"1"}: Invalid parameter type for 'size', expected: integer\n`,
  ],
  [
    ['--blockdev', 'null-co,node-name=x', '--blockdev', 'null-co,node-name=x'],
    "daemon: --blockdev null-co,node-name=x: Duplicate nodes with node-name='x'\n",
  ],
  [['--monitor', 'c'], 'daemon: --monitor c: chardev "c" not found\n'],
  [
    ['--monitor', 'c,mode=zz'],
    "daemon: --monitor c,mode=zz: Parameter 'mode' does not accept value 'zz'\n",
  ],
  [['--monitor', 'x=1'], "daemon: --monitor x=1: Parameter 'chardev' is missing\n"],
  [
    ['--chardev', 'null,id=c', '--monitor', 'c,mode=readline'],
    'daemon: --monitor c,mode=readline: Only QMP is supported\n',
  ],
  [
    ['--chardev', 'null,id=c', '--monitor', 'c', '--monitor', 'c'],
    "daemon: --monitor c: Device 'c' is in use\n",
  ],
  [['--chardev', 'stdio'], 'daemon: --chardev stdio: chardev: no id specified\n'],
  [['--chardev', 'id=c'], 'daemon: --chardev id=c: chardev: "c" missing backend\n'],
  [['--chardev', 'zz,id=c'], "daemon: --chardev zz,id=c: 'zz' is not a valid char driver name\n"],
  [
    ['--chardev', 'pty,id=c'],
    "daemon: --chardev pty,id=c: chardev backend 'pty' is not built yet\n",
  ],
  [['--chardev', 'stdio,,id=c'], 'daemon: --chardev stdio,,id=c: chardev: no id specified\n'],
  [
    ['--chardev', 'stdio,id=9'],
    `daemon: --chardev stdio,id=9: Parameter 'id' expects an identifier\n${HINT}`,
  ],
  [['--chardev', 'stdio,id=c,zz=1'], "daemon: --chardev stdio,id=c,zz=1: Invalid parameter 'zz'\n"],
  [
    ['--chardev', 'stdio,id=c,mux=zz'],
    "daemon: --chardev stdio,id=c,mux=zz: Parameter 'mux' expects 'on' or 'off'\n",
  ],
  [
    ['--chardev', 'stdio,id=c,mux=on'],
    "daemon: --chardev stdio,id=c,mux=on: chardev option 'mux' is not built yet for backend 'stdio'\n",
  ],
  [
    ['--chardev', 'stdio,id=c', '--chardev', 'stdio,id=d'],
    'daemon: --chardev stdio,id=d: cannot use stdio by multiple character devices\n',
  ],
  [
    ['--chardev', 'null,id=c', '--chardev', 'null,id=c'],
    "daemon: --chardev null,id=c: attempt to add duplicate property 'c' to object (type 'container')\n",
  ],
  [['--chardev', 'socket,id=c'], 'daemon: --chardev socket,id=c: Unable to parse FD number \n'],
  [
    ['--chardev', 'socket,id=c,host=h'],
    'daemon: --chardev socket,id=c,host=h: chardev: socket: no port given\n',
  ],
  [
    ['--chardev', 'socket,id=c,path=p,host=h'],
    "daemon: --chardev socket,id=c,path=p,host=h: None or one of 'path', 'fd' or 'host' option required.\n",
  ],
  [
    ['--chardev', 'socket,id=c,path=/s,wait=off'],
    "daemon: --chardev socket,id=c,path=/s,wait=off: 'wait' option is incompatible with socket in client connect mode\n",
  ],
  [
    ['--chardev', 'socket,id=c,path=/nope'],
    "daemon: --chardev socket,id=c,path=/nope: Failed to connect to '/nope': No such file or directory\n",
  ],
  [
    ['--object', 'zz,id=x'],
    "daemon: --object zz,id=x: Parameter 'qom-type' does not accept value 'zz'\n",
  ],
  [['--object', 'throttle-group'], "daemon: --object throttle-group: Parameter 'id' is missing\n"],
  [
    ['--object', 'throttle-group,id=9'],
    `daemon: --object throttle-group,id=9: Parameter 'id' expects an identifier\n${HINT}`,
  ],
  [['--nbd-server', 'unix'], "daemon: --nbd-server unix: Expected '=' after parameter 'unix'\n"],
  [
    ['--nbd-server', 'addr.type=unix'],
    "daemon: --nbd-server addr.type=unix: Parameter 'addr.path' is missing\n",
  ],
  [
    ['--nbd-server', 'addr.type=zz'],
    "daemon: --nbd-server addr.type=zz: Parameter 'type' does not accept value 'zz'\n",
  ],
  [['--export', 'nbd'], "daemon: --export nbd: Parameter 'id' is missing\n"],
  [['--export', 'zz'], "daemon: --export zz: Parameter 'type' does not accept value 'zz'\n"],
  [
    ['--blockdev', 'null-co,node-name=x', '--export', 'nbd,id=e,node-name=x'],
    'daemon: --export nbd,id=e,node-name=x: NBD server not running\n',
  ],
  [['-T', 'zz=1'], "daemon: -T zz=1: Invalid parameter 'zz'\n"],
]

describe('the storage daemon refuses', () => {
  for (const [argv, error] of REFUSED) {
    it(argv.join(' '), async () => {
      const { host, status, errors } = start(argv)
      assert.deepEqual([await host.run(status), errors()], [1, error])
    })
  }

  it('what stands first, and undoes what came before', async () => {
    const host = createSimHost()
    const argv = ['--nbd-server', 'addr.type=unix,addr.path=/s', '--blockdev', 'x']
    assert.equal(await host.run(start(argv, host).status), 1)
    await assert.rejects(host.run(host.sockets.connect({ type: 'unix', path: '/s' })))
  })
})

describe('the storage daemon', () => {
  const INFORMING = [
    { argv: ['--blockdev', 'x', '--help'], output: /^Usage: daemon/ },
    { argv: ['-h', '--zz'], output: /--blockdev/ },
    { argv: ['--ver'], output: /^daemon version 7\.2\.22/ },
    {
      argv: ['--object', 'help'],
      output: /^List of user creatable objects:\n(?: {2}[a-z-]+\n)* {2}throttle-group\n/,
    },
    {
      argv: ['--object', 'throttle-group,help'],
      output: /^throttle-group options:\n {2}limits=<ThrottleLimits>\n/,
    },
    { argv: ['--chardev', '?'], output: /^Available chardev backend types: \n {2}null\n/ },
  ]
  for (const { argv, output } of INFORMING) {
    it(`answers ${argv.join(' ')} and ends well`, async () => {
      const started = start(argv)
      assert.equal(await started.host.run(started.status), 0)
      assert.match(started.output(), output)
    })
  }

  it('serves a monitor on standard input and output until quit', async () => {
    const { host, status, monitor, send } = start([
      ...['--chardev', 'stdio,id=c', '--monitor', 'c'],
      ...['--blockdev', 'null-co,node-name=x', '--object', 'throttle-group,id=t'],
    ])
    await send('{"execute":"qmp_capabilities"}{"execute":"query-chardev"}{"execute":"quit"}')
    assert.equal(await host.run(status), 0)
    assert.deepEqual(monitor().split('\r\n').slice(1), [
      '{"return": {}}',
      '{"return": [{"frontend-open": true, "filename": "stdio", "label": "c"}]}',
      '{"return": {}}',
      '',
    ])
  })

  it('refuses a policy that there is none of, before it serves anybody', async () => {
    const { host, status, errors } = start([
      ...['--profile', 'note', '--chardev', 'stdio,id=c', '--monitor', 'c'],
      ...['--compat', 'deprecated-input=bogus'],
    ])
    assert.equal(await host.run(status), 1)
    assert.equal(
      errors(),
      "daemon: --compat deprecated-input=bogus: Parameter 'deprecated-input' does not accept value 'bogus'\n",
    )
  })

  it('prints the formats, writable and read-only ones apart', async () => {
    const { host, status, output } = start([
      ...['--profile', 'note', '--drivers', 'rw=raw:file,ro=qcow2:nbd,help'],
    ])
    assert.equal(await host.run(status), 0)
    assert.equal(
      output(),
      'Supported formats: file raw\nSupported formats (read-only): file nbd qcow2 raw\n',
    )
  })

  it('opens no drivers but those of its white lists', async () => {
    const { host, status, errors } = start([
      ...['--profile', 'note', '--drivers', 'rw=raw', '--blockdev', 'null-co,node-name=x'],
    ])
    assert.equal(await host.run(status), 1)
    assert.equal(
      errors(),
      "daemon: --blockdev null-co,node-name=x: Driver 'null-co' is not whitelisted\n",
    )
  })

  it('has no white lists of what there is not', async () => {
    const { host, status, errors } = start(['--profile', 'note', '--drivers', 'rw=sheepdog'])
    assert.equal(await host.run(status), 1)
    assert.equal(errors(), "daemon: --drivers rw=sheepdog: Unknown driver 'sheepdog'\n")
  })

  it('ends with status 0 and without its pid file when it is terminated', async () => {
    const { host, status, terminate } = start(['--pidfile', 'pid'])
    await host.idle()
    const file = host.files.open('pid', { write: false })
    const text = new Uint8Array(5)
    await file.read(0, text)
    file.close()
    assert.equal(new TextDecoder().decode(text), '4711\n')
    terminate()
    assert.equal(await host.run(status), 0)
    assert.equal(host.files.exists('pid'), false)
  })

  it('serves one client of a listening socket after the other', async () => {
    const { host, status, terminate } = start([
      ...['--chardev', 'socket,id=c,path=/q,server=on,wait=off', '--monitor', 'c'],
    ])
    await host.idle()
    const heard: string[] = []
    for (const name of ['first', 'second']) {
      const stream = await host.run(host.sockets.connect({ type: 'unix', path: '/q' }))
      stream.onData((chunk) => heard.push(`${name} ${new TextDecoder().decode(chunk).slice(0, 6)}`))
      await host.idle()
      stream.end()
      await host.idle()
    }
    assert.deepEqual(heard, ['first {"QMP"', 'second {"QMP"'])
    terminate()
    assert.equal(await host.run(status), 0)
  })

  it('lets a second client wait while the first one is served', async () => {
    const { host } = start([
      ...['--chardev', 'socket,id=c,path=/q,server=on,wait=off', '--monitor', 'c'],
    ])
    await host.idle()
    const connect = () => host.run(host.sockets.connect({ type: 'unix', path: '/q' }))
    const first = await connect()
    await host.idle()
    let greeted = false
    const second = await connect()
    second.onData(() => {
      greeted = true
    })
    await host.idle()
    assert.equal(greeted, false)
    first.end()
    await host.idle()
    assert.equal(greeted, true)
  })

  it('waits for the first client of a socket where nobody said otherwise', async () => {
    const { host, errors } = start([
      '--chardev',
      'socket,id=c,path=/q,server=on',
      '--pidfile',
      'pid',
    ])
    await host.idle()
    assert.match(
      errors(),
      /info: QEMU waiting for connection on: disconnected:unix:\/q,server=on\n$/,
    )
    assert.equal(host.files.exists('pid'), false)
    await host.run(host.sockets.connect({ type: 'unix', path: '/q' }))
    await host.idle()
    assert.equal(host.files.exists('pid'), true)
  })

  it('leaves the background to a twin', async () => {
    const { host, status } = start(['--daemonize'])
    assert.equal(await host.run(status), 77)
  })

  it('warns whoever asked: after the place on the command line, or a client without more', async () => {
    const warning = `warning: Use of "backing": "" is deprecated; use "backing": null instead\n`
    const bad = 'qcow2,node-name=a,backing=,file.driver=null-co,file.read-zeroes=on'
    const early = start(['--blockdev', bad])
    assert.equal(await early.host.run(early.status), 1)
    assert.equal(
      early.errors(),
      `daemon: --blockdev ${bad}: ${warning}daemon: --blockdev ${bad}: Image is not in qcow2 format\n`,
    )
    const late = start(['--chardev', 'stdio,id=c', '--monitor', 'c'])
    await late.host.idle()
    await late.send('{"execute":"qmp_capabilities"}')
    await late.send(
      '{"execute":"blockdev-add","arguments":{"driver":"qcow2","node-name":"a","backing":"",' +
        '"file":{"driver":"null-co","read-zeroes":true}}}',
    )
    assert.equal(late.errors(), warning)
    late.terminate()
  })

  it('says of every trace pattern that there is no such event', async () => {
    const { host, errors, terminate } = start(['-T', 'x'])
    await host.idle()
    assert.equal(errors(), "daemon: -T x: warning: trace event 'x' does not exist\n")
    terminate()
  })
})

describe('the process of a daemon', () => {
  it('is kept alive when its clients have left', () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const stop = processSurroundings().onTerminate(() => undefined)
    const meanwhile = timers()
    stop()
    assert.deepEqual([meanwhile, timers()], [before + 1, before])
  })
})
