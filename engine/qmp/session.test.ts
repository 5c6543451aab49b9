/** Sessions: negotiation, the envelope, order of answers, out-of-band requests, several clients. */
import assert from 'node:assert/strict'
import { streamPair } from '../host/pair.ts'
import { description, testEngine } from './testing.ts'

const NEGOTIATE = "Expecting capabilities negotiation with 'qmp_capabilities'"
const OOB = '{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}'

describe('a session before negotiation', () => {
  const REFUSED: readonly (readonly [input: string, message: string])[] = [
    ['{"execute":"query-jobs"}', NEGOTIATE],
    ['{"execute":"nosuch"}', NEGOTIATE],
    ['{"execute":"quit"}', NEGOTIATE],
    ['{"execute":"query-jobs","arguments":1}', "QMP input member 'arguments' must be an object"],
    ['garbage\n', "JSON parse error, invalid keyword 'garbage'"],
    ['[]', 'QMP input must be a JSON object'],
    ['{"exec-oob":"qmp_capabilities"}', "QMP input member 'exec-oob' is unexpected"],
    [
      '{"execute":"qmp_capabilities","arguments":{"enable":["foo"]}}',
      "Parameter 'null' does not accept value 'foo'",
    ],
    [
      '{"execute":"qmp_capabilities","arguments":{"enable":"oob"}}',
      "Invalid parameter type for 'enable', expected: array",
    ],
  ]
  for (const [input, message] of REFUSED) {
    it(`answers ${input} with: ${message}`, async () => {
      const client = await testEngine().connect()
      assert.equal(description((await client.send(input))[0]), message)
      assert.deepEqual(await client.send('{"execute":"qmp_capabilities"}'), ['{"return": {}}'])
    })
  }

  it('is greeted as clients of 7.2 expect', async () => {
    const { host, engine } = testEngine()
    const [ours, served] = streamPair(host)
    let text = ''
    ours.onData((chunk) => {
      text += new TextDecoder().decode(chunk)
    })
    engine.openMonitor(served)
    await host.idle()
    assert.equal(
      text,
      '{"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": "blockspec"}, "capabilities": ["oob"]}}\r\n',
    )
  })

  it('hears no events', async () => {
    const { engine, host, connect } = testEngine()
    const client = await connect()
    engine.events.emit('BLOCK_EXPORT_DELETED', { id: 'e' })
    await host.idle()
    assert.deepEqual(await client.send(' '), [])
  })
})

describe('a session', () => {
  const ANSWERS: readonly (readonly [input: string, answer: string])[] = [
    ['{"execute":"query-jobs","id":{"a":[1,null]}}', '{"return": [], "id": {"a": [1, null]}}'],
    ['{"execute":"query-jobs","id":null}', '{"return": [], "id": null}'],
    ["{'execute':'query-jobs'}", '{"return": []}'],
  ]
  for (const [input, answer] of ANSWERS) {
    it(`answers ${input}`, async () => {
      const client = await testEngine().monitor()
      assert.deepEqual(await client.send(input), [answer])
    })
  }

  const REFUSED: readonly (readonly [input: string, message: string])[] = [
    ['1 ', 'QMP input must be a JSON object'],
    ['{}', "QMP input lacks member 'execute'"],
    ['{"id":5,"bar":1,"foo":1,"baz":1}', "QMP input member 'baz' is unexpected"],
    ['{"execute":1,"foo":1}', "QMP input member 'execute' must be a string"],
    [
      '{"execute":"query-jobs","foo":1,"arguments":1}',
      "QMP input member 'arguments' must be an object",
    ],
    ['{"execute":"query-jobs","arguments":null}', "QMP input member 'arguments' must be an object"],
    ['{"execute":"nosuch","arguments":1}', "QMP input member 'arguments' must be an object"],
    ['{"execute":"nosuch"}', 'The command nosuch has not been found'],
    ['{"execute":""}', 'The command  has not been found'],
    ['{"execute":"toString"}', 'The command toString has not been found'],
    ['{"execute":"blockdev-change"}', 'The command blockdev-change has not been found'],
    ['{"execute":"x-blockdev-reopen"}', 'The command x-blockdev-reopen has not been found'],
    ['{"exec-oob":"query-jobs"}', "QMP input member 'exec-oob' is unexpected"],
    ['{"execute":"query-jobs","control":{}}', "QMP input member 'control' is unexpected"],
    ['{"execute":"query-jobs","arguments":{"a":1,"bb":2,"ccc":3}}', "Parameter 'bb' is unexpected"],
    [
      '{"execute":"qmp_capabilities"}',
      'Capabilities negotiation is already complete, command ignored',
    ],
    ['{"execute":"qmp_capabilities","arguments":{"a":1}}', "Parameter 'a' is unexpected"],
  ]
  for (const [input, message] of REFUSED) {
    it(`refuses ${input} with: ${message}`, async () => {
      const client = await testEngine().monitor()
      assert.equal(description((await client.send(input))[0]), message)
    })
  }

  it('returns the id with an error, and in front of it', async () => {
    const client = await testEngine().monitor()
    assert.deepEqual(await client.send('{"execute":"nosuch","id":5}'), [
      '{"id": 5, "error": {"class": "CommandNotFound", "desc": "The command nosuch has not been found"}}',
    ])
  })

  it('answers many requests of one chunk in their order', async () => {
    const client = await testEngine().monitor()
    const requests = Array.from({ length: 20 }, (_, id) => `{"execute":"query-jobs","id":${id}}`)
    const answers = await client.send(`${requests.join('')}garbage\n${requests.join('\n')}`)
    assert.equal(answers.length, 41)
    assert.equal(answers[19], '{"return": [], "id": 19}')
    assert.match(answers[20] ?? '', /garbage/)
    assert.equal(answers[40], '{"return": [], "id": 19}')
  })

  it('goes on when its client goes', async () => {
    const { host, monitor } = testEngine()
    const first = await monitor()
    first.hangUp()
    await host.idle()
    const second = await monitor()
    assert.deepEqual(await second.run('query-jobs'), ['{"return": []}'])
  })

  it('indents what it sends where that was asked for', async () => {
    const client = await testEngine().connect({ pretty: true })
    assert.deepEqual(await client.send('{"execute":"qmp_capabilities"}'), [
      '{',
      '    "return": {',
      '    }',
      '}',
    ])
  })

  it('keeps quiet after quit, and all sessions end', async () => {
    const { host, engine, monitor } = testEngine()
    const first = await monitor()
    const second = await monitor()
    assert.deepEqual(
      await first.send('{"execute":"quit","id":1}{"execute":"query-jobs"}garbage\n'),
      ['{"return": {}, "id": 1}'],
    )
    assert.equal(await host.run(engine.finished), 0)
    assert.ok(first.ended() && second.ended())
  })
})

describe('out-of-band requests', () => {
  const REFUSED: readonly (readonly [input: string, message: string])[] = [
    ['{"exec-oob":"query-jobs"}', 'The command query-jobs does not support OOB'],
    ['{"exec-oob":"qmp_capabilities"}', 'The command qmp_capabilities does not support OOB'],
    ['{"exec-oob":"nosuch"}', 'The command nosuch has not been found'],
    ['{"exec-oob":1}', "QMP input member 'exec-oob' must be a string"],
    ['{"exec-oob":"a","execute":"b"}', "QMP input member 'execute' clashes with 'exec-oob'"],
  ]
  for (const [input, message] of REFUSED) {
    it(`answers ${input} with: ${message}`, async () => {
      const client = await testEngine().connect()
      assert.deepEqual(await client.send(OOB), ['{"return": {}}'])
      assert.equal(description((await client.send(input))[0]), message)
    })
  }

  it('do not disturb the others', async () => {
    const client = await testEngine().connect()
    await client.send(OOB)
    const answers = await client.send('{"execute":"query-jobs"}{"exec-oob":"quit","id":1}')
    assert.deepEqual([...answers].sort(), [
      '{"id": 1, "error": {"class": "GenericError", "desc": "The command quit does not support OOB"}}',
      '{"return": []}',
    ])
  })
})

describe('an engine', () => {
  it('serves two clients, each in its own order', async () => {
    const { host, connect } = testEngine(3)
    const clients = await Promise.all([connect(), connect()])
    const sent = clients.map((client) =>
      client.send(
        `{"execute":"qmp_capabilities"}${'{"execute":"query-version","id":1}'.repeat(5)}`,
      ),
    )
    await host.idle()
    for (const answers of await Promise.all(sent)) assert.ok(answers.length <= 6)
    for (const client of clients) {
      assert.deepEqual((await client.run('query-jobs')).slice(-1), ['{"return": []}'])
    }
  })

  it('ends when it is told to, twice if need be', async () => {
    const { host, engine } = testEngine()
    await host.run(Promise.all([engine.shutdown(), engine.shutdown()]))
    assert.equal(await engine.finished, 0)
  })
})
