/** Tests of NBD file names: what each means, and the refusals of a real 7.2. */
import assert from 'node:assert/strict'
import { BlockError } from '../../util/errors.ts'
import { describeNbdName } from './filename.ts'

const unix = (path: string, name?: string) => ({
  server: { type: 'unix', path },
  ...(name === undefined ? {} : { export: name }),
})
const inet = (host: string, port: string, name?: string) => ({
  server: { type: 'inet', host, port },
  ...(name === undefined ? {} : { export: name }),
})

describe('a file name of an NBD export', () => {
  const MEANINGS: readonly (readonly [string, object])[] = [
    ['nbd:unix:/s', unix('/s')],
    ['nbd:unix:/s:exportname=foo', unix('/s', 'foo')],
    ['nbd:unix:/s:foo', unix('/s:foo')],
    ['nbd:h:1', inet('h', '1')],
    ['nbd:[::1]:1:exportname=x', inet('::1', '1', 'x')],
    ['nbd:h:1:foo', inet('h', '1:foo')],
    ['nbd://h:1/x', inet('h', '1', 'x')],
    ['nbd://u@h/', inet('h', '10809')],
    ['nbd://[::1]:2/x%20y', inet('::1', '2', 'x y')],
    ['nbd+tcp://h:1//x', inet('h', '1', '/x')],
    ['nbd+unix:///x?socket=/s', unix('/s', 'x')],
    ['nbd+unix://?socket=/s', unix('/s')],
  ]
  for (const [filename, meaning] of MEANINGS) {
    it(`is taken apart: ${filename}`, () => {
      assert.deepEqual(describeNbdName(filename, ['node-name']), meaning)
    })
  }

  const REFUSALS: readonly (readonly [string, string])[] = [
    ['nbd:', 'NBD server address missing'],
    ['nbd:unix:/s:exportname=', 'NBD server address missing'],
    ['nbd:127.0.0.1', "error parsing address '127.0.0.1'"],
    ['nbd:///x', 'No valid URL specified'],
    ['nbd+unix:///x', 'No valid URL specified'],
    ['nbd+unix://h/x?socket=a', 'No valid URL specified'],
    ['nbd+unix:///x?socket=/s&a=b', 'No valid URL specified'],
    ['nbd://h:1/x?socket=y', 'No valid URL specified'],
    ['nbd://h:99999/', 'No valid URL specified'],
    ['nbd://h/%zz', 'No valid URL specified'],
    ['', "File name string for NBD must start with 'nbd:'"],
    ['base.img', "File name string for NBD must start with 'nbd:'"],
  ]
  for (const [filename, text] of REFUSALS) {
    it(`is refused: ${filename}`, () => {
      assert.throws(
        () => describeNbdName(filename, ['node-name']),
        (error) => error instanceof BlockError && error.message === text,
      )
    })
  }

  it('stands beside no option that says the same, whatever it is', () => {
    for (const filename of ['nbd:unix:/s', 'base.img']) {
      for (const option of ['host', 'port', 'path', 'export', 'server.type', 'server.path']) {
        assert.throws(() => describeNbdName(filename, ['node-name', option]), {
          message: `Option '${option}' cannot be used with a file name`,
        })
      }
    }
    describeNbdName('nbd:unix:/s', ['tls-creds', 'server', 'serverless'])
  })
})
