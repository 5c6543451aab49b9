/** Lists of known hosts, as 7.2's library reads them. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { createSimHost } from '../../host/sim/index.ts'
import { knownKeys } from './known-hosts.ts'

const PATH = '/known_hosts'

/** A key in its wire form: two strings, each behind its length. */
function encoded(type: string, key: string): string {
  const pieces = [type, key].flatMap((text) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(text.length)
    return [length, Buffer.from(text)]
  })
  return Buffer.concat(pieces).toString('base64')
}

const KEY = `ssh-ed25519 ${encoded('ssh-ed25519', 'a key')}`
const OTHER = `ssh-rsa ${encoded('ssh-rsa', 'another')}`

/** The types of the keys that a list has for a host. */
async function typesIn(text: string, host = 'a.example', port = 22): Promise<readonly string[]> {
  const { files } = createSimHost()
  const file = files.open(PATH, { write: true, create: true })
  await file.write(0, Buffer.from(text))
  file.close()
  return (await knownKeys(files, PATH, host, port)).map(({ type }) => type)
}

describe('a list of known hosts', () => {
  it('has no keys where there is no list', async () => {
    assert.deepEqual(await knownKeys(createSimHost().files, PATH, 'a.example', 22), [])
  })

  it('has all keys of a host, and those of no other', async () => {
    const text = `a.example ${KEY} comment\n# a.example\n\nb.example ${OTHER}\na.example ${OTHER}\n`
    assert.deepEqual(await typesIn(text), ['ssh-ed25519', 'ssh-rsa'])
    assert.deepEqual(await typesIn(text, 'B.Example'), ['ssh-rsa'])
    assert.deepEqual(await typesIn(text, 'c.example'), [])
  })

  it('names hosts in groups, by patterns, and with other ports', async () => {
    const cases: readonly [string, string, number, boolean][] = [
      ['x,A.example,y', 'a.example', 22, true],
      ['*.example', 'a.example', 22, true],
      ['a*e', 'a.example', 22, true],
      ['a*e', 'a.examples', 22, false],
      ['a*x*p*e', 'a.example', 22, true],
      ['a*a.example', 'a.example', 22, false],
      ['?.example', 'a.example', 22, true],
      ['?.example', '.example', 22, false],
      ['[a.example]:2222', 'a.example', 2222, true],
      ['[*]:2222', 'a.example', 2222, true],
      ['a.example', 'a.example', 2222, false],
      ['[a.example]:22', 'a.example', 22, false],
      ['!a.example', 'a.example', 22, false],
    ]
    for (const [names, host, port, known] of cases) {
      const expected = known ? ['ssh-ed25519'] : []
      assert.deepEqual(await typesIn(`${names} ${KEY}`, host, port), expected, names)
    }
  })

  it('hides names behind hashes', async () => {
    const salt = Buffer.from('some salt')
    const hash = createHmac('sha1', salt).update('[a.example]:2222').digest('base64')
    const text = `|1|${salt.toString('base64')}|${hash} ${KEY}\n`
    assert.deepEqual(await typesIn(text, 'a.example', 2222), ['ssh-ed25519'])
    assert.deepEqual(await typesIn(text, 'a.example', 2223), [])
  })

  it('says nothing by lines with markers', async () => {
    const text = `@revoked a.example ${KEY}\n@cert-authority a.example ${OTHER}\n`
    assert.deepEqual(await typesIn(text), [])
  })

  it('has no keys of a host that it names once without a usable one', async () => {
    const [, blob = ''] = KEY.split(' ')
    const unusable = ['', 'ssh-ed25519', 'ssh-ed25519 AAAA', `ssh-rsa ${blob}`, `${KEY}\r`]
    for (const rest of unusable) {
      assert.deepEqual(await typesIn(`a.example ${KEY}\na.example ${rest}\n`), [], rest)
      assert.deepEqual(
        await typesIn(`a.example ${KEY}\nb.example ${rest}\n`),
        ['ssh-ed25519'],
        rest,
      )
    }
  })
})
