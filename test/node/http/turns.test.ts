import { expect, test } from 'vitest'
import type { Found } from '../../../node/cache/found.ts'
import { Random } from '../../harness/random.ts'
import { fileLike } from './bodies.ts'
import { artifact, client, type Face, face, raw, until } from './fixture.ts'

const LARGE = new Random(11).bytes(3_000_000)

function get(node: Face, path: string, more = ''): string {
  return `GET /m/${path} HTTP/1.1\r\nhost: ${node.host}\r\n${more}\r\n`
}

/** Bodies of the answers on one connection, one after the other by their own length. */
function bodiesOf(received: string): string[] {
  const bodies: string[] = []
  for (let rest = received; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n')
    const length = Number(/content-length: (\d+)/i.exec(rest.slice(0, end))?.[1])
    expect(rest.slice(0, 9)).toBe('HTTP/1.1 ')
    bodies.push(rest.slice(end + 4, end + 4 + length))
    rest = rest.slice(end + 4 + length)
  }
  return bodies
}

test('requests that come in one packet are answered in order, a large body between small ones', async () => {
  const node = await face({
    find: ({ key }) => artifact(key === 'large' ? fileLike(LARGE) : Buffer.from(`small ${key}`)),
  })
  const connection = await raw(node.origin)
  connection.send(
    ['a', 'large', 'b', 'fixed', 'large', 'c']
      .map((path, i) => get(node, path, i === 5 ? 'connection: close\r\n' : ''))
      .join(''),
  )
  const bodies = bodiesOf(await connection.rest())
  const large = LARGE.toString('latin1')
  expect(bodies.map((body) => (body === large ? 'large' : body))).toEqual([
    'small a',
    'large',
    'small b',
    'fixed',
    'large',
    'small c',
  ])
})

test('the answer that is ready first waits for the one that was asked first', async () => {
  const held: ((found: Found) => void)[] = []
  const node = await face({
    find: ({ key }) => (key === 'slow' ? new Promise((resolve) => held.push(resolve)) : artifact(Buffer.from(key))),
  })
  const connection = await raw(node.origin)
  connection.send(get(node, 'slow') + get(node, 'quick', 'connection: close\r\n'))
  await until(() => held.length === 1)
  expect(connection.received).toBe('')
  held[0]?.(artifact(Buffer.from('slow')))
  expect(bodiesOf(await connection.rest())).toEqual(['slow', 'quick'])
})

test('a request that waits has asked for nothing yet: one packet opens one file, not a thousand', async () => {
  let asked = 0
  const held: ((found: Found) => void)[] = []
  const node = await face({
    find: () => {
      asked++
      return new Promise((resolve) => held.push(resolve))
    },
  })
  const connection = await raw(node.origin)
  connection.send(Array.from({ length: 90 }, (_, i) => get(node, `p${i}`)).join(''))
  await until(() => asked > 0)
  expect((await client().get(node.url('fixed'))).status).toBe(200)
  expect(asked).toBe(1)
  for (let i = 0; i < 90; i++) {
    await until(() => held.length > i)
    expect(asked).toBe(i + 1)
    held[i]?.(artifact(Buffer.from('.')))
  }
})

test('whoever sends too many ahead is left', async () => {
  const node = await face({ find: () => new Promise(() => {}) })
  const connection = await raw(node.origin)
  connection.send(Array.from({ length: 150 }, (_, i) => get(node, `p${i}`)).join(''))
  await connection.rest()
  expect(connection.left).toBeDefined()
  expect(connection.received).toBe('')
  expect((await client().get(node.url('fixed'))).status).toBe(200)
})

test('a client that leaves takes along what waits: nobody asks for it any more', async () => {
  const asked: string[] = []
  const node = await face({
    find: ({ key }, { signal }) => {
      asked.push(key)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
  })
  const connection = await raw(node.origin)
  connection.send(get(node, 'first') + get(node, 'second') + get(node, 'third'))
  await until(() => asked.length === 1)
  connection.leave('rst')
  await until(() => node.server.connections === 0)
  expect(asked).toEqual(['first'])
  expect(node.told).toEqual([])
})

test('an error between two answers ends neither', async () => {
  const node = await face({ find: ({ key }) => artifact(Buffer.from(key)) })
  const connection = await raw(node.origin)
  connection.send(get(node, 'a') + get(node, 'bad') + get(node, 'broken') + get(node, 'b', 'connection: close\r\n'))
  const bodies = bodiesOf(await connection.rest())
  expect(bodies).toHaveLength(4)
  expect([bodies[0], bodies[3]]).toEqual(['a', 'b'])
})

test('a body that breaks ends the connection: what was asked behind it gets no answer that could be taken for its rest', async () => {
  const node = await face({
    find: ({ key }) => artifact(key === 'broken-off' ? fileLike(LARGE, { breakAt: 1_000_000 }) : Buffer.from(key)),
  })
  const connection = await raw(node.origin)
  connection.send(get(node, 'broken-off') + get(node, 'behind'))
  const received = await connection.rest()
  expect(received.length).toBeLessThan(LARGE.length)
  expect(received).not.toContain('behind')
  expect(connection.left).toBeDefined()
})
