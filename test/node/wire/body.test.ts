import { describe, expect, it } from 'vitest'
import { type BodySource, WireBody } from '../../../node/wire/body.ts'
import { failure, read, until } from '../upstream/fixture.ts'

class FakeSource implements BodySource {
  readonly log: string[] = []
  pause() {
    this.log.push('pause')
  }
  resume() {
    this.log.push('resume')
  }
  abort() {
    this.log.push('abort')
  }
}

function makeBody(size?: number, idle = 60_000) {
  const source = new FakeSource()
  const body = new WireBody(source, { peer: 'https://registry.example.test', size, idle })
  let over = 0
  body.whenOver(() => over++)
  return { source, body, over: () => over }
}

const MIB = Buffer.alloc(1024 * 1024, 1)

describe('a body on the wire', () => {
  it('hands chunks over without copying them', async () => {
    const { body, over } = makeBody(6)
    const chunks = [Buffer.from('abc'), Buffer.from('def')]
    for (const chunk of chunks) body.push(chunk)
    body.end()
    const received = await Array.fromAsync(body)
    expect(received.map((chunk, i) => chunk === chunks[i])).toEqual([true, true])
    expect(over()).toBe(1)
    expect(await body.next()).toEqual({ done: true, value: undefined })
  })

  it('pauses the connection while its reader is behind, and goes on when half of that is read', async () => {
    const { source, body } = makeBody()
    for (let i = 0; i < 4; i++) body.push(MIB.subarray(0, 200_000))
    expect(source.log).toEqual(['pause'])
    for (let i = 0; i < 2; i++) await body.next()
    expect(source.log).toEqual(['pause'])
    await body.next()
    expect(source.log).toEqual(['pause', 'resume'])
  })

  it('counts what tiny chunks cost', () => {
    const { source, body } = makeBody()
    for (let i = 0; i < 3_000; i++) body.push(MIB.subarray(0, 1))
    expect(source.log).toEqual(['pause'])
  })

  it('keeps no chunk that was delivered, even if it never runs empty', async () => {
    const { body } = makeBody()
    const held: WeakRef<Buffer>[] = []
    body.push(Buffer.from('always one behind'))
    for (let i = 0; i < 200; i++) {
      const chunk = Buffer.from(`chunk ${i}`)
      held.push(new WeakRef(chunk))
      body.push(chunk)
      await body.next()
    }
    expect((await body.next()).value?.toString()).toBe('chunk 199')
    body.end()
    expect((await body.next()).done).toBe(true)
  })

  it.each([
    [5, 'abcdef'],
    [7, 'abcdef'],
    [1, ''],
  ])('does not end cleanly when %i bytes were promised and «%s» came', async (size, text) => {
    const { body } = makeBody(size)
    if (text) body.push(Buffer.from(text))
    body.end()
    const error = await failure(read(body))
    expect(error.code).toBe('UPSTREAM_CUT')
    expect(error.message).toBe(`https://registry.example.test promised ${size} bytes and sent ${text.length}`)
  })

  it('tells of a failure after what came before it, again and again', async () => {
    const { body, over } = makeBody()
    body.push(Buffer.from('abc'))
    body.fail(new TypeError('broken'))
    body.end()
    expect(over()).toBe(1)
    expect((await body.next()).value?.toString()).toBe('abc')
    for (let i = 0; i < 2; i++) await expect(body.next()).rejects.toThrow('broken')
  })

  it('is silent for too long only while somebody waits', async () => {
    const { source, body, over } = makeBody(undefined, 20)
    body.push(Buffer.from('abc'))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect((await body.next()).value?.toString()).toBe('abc')
    expect(source.log).toEqual([])
    expect((await failure(body.next())).code).toBe('UPSTREAM_TIMEOUT')
    expect(source.log).toEqual(['abort'])
    expect(over()).toBe(1)
  })

  it('gives each wait its full time', async () => {
    const { body } = makeBody(undefined, 150)
    for (let i = 0; i < 4; i++) {
      const next = body.next()
      setTimeout(() => body.push(MIB.subarray(0, 1024)), 80)
      expect((await next).done).toBe(false)
    }
    body.destroy()
  })

  it('is given up when it only drips while somebody waits', async () => {
    const { source, body, over } = makeBody(undefined, 150)
    const dripping = setInterval(() => body.push(Buffer.from('x')), 20)
    const error = await failure(read(body))
    clearInterval(dripping)
    expect([error.code, error.message]).toEqual([
      'UPSTREAM_TIMEOUT',
      expect.stringContaining('sent next to nothing for 150 ms'),
    ])
    expect([source.log, over()]).toEqual([['abort'], 1])
  })

  it('does not count the time that its reader takes, however little comes', async () => {
    const { body } = makeBody(undefined, 150)
    for (let i = 0; i < 4; i++) {
      const next = body.next()
      body.push(Buffer.from('x'))
      expect((await next).value?.length).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    body.end()
    expect((await body.next()).done).toBe(true)
  })

  it('drops what is queued when it is destroyed, and ends in an error', async () => {
    const { source, body, over } = makeBody()
    body.push(Buffer.from('abc'))
    body.destroy()
    body.push(Buffer.from('late'))
    expect(source.log).toEqual(['abort'])
    expect(over()).toBe(1)
    expect((await failure(body.next())).code).toBe('UPSTREAM_CUT')
  })

  it('does not end cleanly when it is destroyed after the last byte came but before it was read', async () => {
    const { source, body } = makeBody(3)
    body.push(Buffer.from('abc'))
    body.end()
    body.destroy('no more')
    expect(source.log).toEqual([])
    await expect(body.next()).rejects.toBe('no more')
  })

  it('stays complete when it is destroyed after it was read', async () => {
    const { body } = makeBody(3)
    body.push(Buffer.from('abc'))
    body.end()
    expect((await read(body)).toString()).toBe('abc')
    body.destroy()
    expect((await body.next()).done).toBe(true)
  })

  it('has one reader at a time', async () => {
    const { body } = makeBody()
    const first = body.next()
    await expect(body.next()).rejects.toThrow(/one reader/)
    body.push(Buffer.from('x'))
    expect((await first).done).toBe(false)
  })

  it('tells at once who asks late that it is over', () => {
    const { body } = makeBody(0)
    body.end()
    let told = false
    body.whenOver(() => {
      told = true
    })
    expect(told).toBe(true)
  })
})

describe('a body that nobody wants', () => {
  it('is read to its end when that is near', () => {
    const { source, body, over } = makeBody(10)
    body.discard()
    body.push(Buffer.from('0123456789'))
    body.end()
    expect(source.log).toEqual([])
    expect(over()).toBe(1)
  })

  it('is broken off when it is long, told or not', () => {
    const told = makeBody(1_000_000)
    told.body.discard()
    expect(told.source.log).toEqual(['abort'])
    const untold = makeBody()
    untold.body.discard()
    untold.body.push(MIB)
    expect(untold.source.log).toEqual(['abort'])
  })

  it('is broken off when it does not end', async () => {
    const { source, body } = makeBody(10)
    body.discard()
    await until(() => source.log.includes('abort'))
    expect(source.log).toEqual(['abort'])
  })

  it('goes on when it was paused', () => {
    const { source, body } = makeBody()
    body.push(MIB)
    body.discard()
    expect(source.log).toEqual(['pause', 'resume'])
    body.end()
  })
})
