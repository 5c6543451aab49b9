/** A process that is killed: what it wrote stays, what it held goes. */
import assert from 'node:assert/strict'
import { createSimHost } from '../../engine/index.ts'
import { mortalHost } from './mortal-host.ts'

function died() {
  const inner = createSimHost()
  const mortal = mortalHost(inner)
  const { host } = mortal
  const file = host.files.open('/x', { write: true, create: true })
  const kill = (): void => {
    mortal.kill()
  }
  return { inner, host, kill, file }
}

describe('a killed process', () => {
  it('leaves what it wrote', () => {
    const { inner, file, kill } = died()
    void file.write(0, new Uint8Array([7]))
    kill()
    const into = new Uint8Array(1)
    void inner.files.open('/x', { write: false }).read(0, into)
    assert.deepEqual([...into], [7])
  })

  it('writes nothing more', () => {
    const { inner, file, kill } = died()
    kill()
    void file.write(0, new Uint8Array([7]))
    assert.equal(inner.files.open('/x', { write: false }).length(), 0)
  })

  it('gives its locks back', () => {
    const { inner, file, kill } = died()
    assert.equal(file.locks?.lockShared(100), true)
    kill()
    assert.equal(inner.files.open('/x', { write: true }).locks?.isHeldByOther(100), false)
  })

  it('never hears of its timers', async () => {
    const { inner, host, kill } = died()
    let fired = false
    host.clock.after(10, () => {
      fired = true
    })
    kill()
    await inner.advance(100)
    assert.equal(fired, false)
  })

  it('leaves its address to the next', async () => {
    const { inner, host, kill } = died()
    const address = { type: 'unix', path: '/s' } as const
    await inner.run(host.sockets.listen(address, () => undefined))
    kill()
    await inner.run(inner.sockets.listen(address, () => undefined))
  })

  it('is seen by its peers', async () => {
    const { inner, host, kill } = died()
    const address = { type: 'unix', path: '/s' } as const
    await inner.run(host.sockets.listen(address, () => undefined))
    const stream = await inner.run(inner.sockets.connect(address))
    let ended = false
    stream.onData(() => undefined)
    stream.onEnd(() => {
      ended = true
    })
    kill()
    await inner.advance(1)
    assert.equal(ended, true)
  })
})
