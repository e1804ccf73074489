import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { type Body, bufferBody } from '../../../node/body.ts'
import { type Algorithm, type Digest, formatDigest } from '../../../node/digest.ts'
import { BlobService } from '../../../node/http/blob-service.ts'
import { type Asker, MemberDoor } from '../../../node/http/member-door.ts'
import { RenderedCache } from '../../../node/http/rendered.ts'
import { ScratchPool } from '../../../node/http/scratch-pool.ts'
import { Sender } from '../../../node/http/sender.ts'
import { handoutOf } from '../../harness/handout.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Random } from '../../harness/random.ts'
import { rawExchange } from '../../harness/raw.ts'
import { fileLike } from './bodies.ts'
import { parseHead, plainServer, until, using } from './fixture.ts'

useLeakCheck()

const BYTES = new Random(5).bytes(300_000)
const MEMBER: Asker = { peer: 'the member', role: 'member' }

function digestOf(bytes: Buffer, algorithm: Algorithm = 'sha256'): Digest {
  return { algorithm, hex: createHash(algorithm).update(bytes).digest('hex') }
}

async function blobDoor(shelf: (digest: Digest) => Body | undefined | Promise<Body | undefined>) {
  const rendered = using(new RenderedCache({ onTrouble: () => {} }, { bytes: 0 }))
  const sent: unknown[] = []
  const bugs: unknown[] = []
  const sender = new Sender({ pool: new ScratchPool(), rendered })
  const blobs = new BlobService({ handout: handoutOf(shelf), sender })
  const door = new MemberDoor({
    services: [blobs],
    events: { sent: (peer, bytes) => sent.push([peer, bytes]), bug: (error, path) => bugs.push([error, path]) },
  })
  const origin = await plainServer((request, response) => void door.handle(request, response, MEMBER))
  const ask = async (path: string, fields = '', method = 'GET') => {
    const head = `${method} ${path} HTTP/1.1\r\nhost: blobs\r\nconnection: close\r\n${fields}\r\n`
    return parseHead(await rawExchange(origin, head))
  }
  return { ask, sent, bugs }
}

const path = (digest: Digest) => `/blobs/v1/${formatDigest(digest)}`
const holding = (body: () => Body) => (digest: Digest) =>
  digest.hex === digestOf(BYTES, digest.algorithm).hex ? body() : undefined

describe('the door for members, and blobs behind it', () => {
  it.each([
    ['sha256', () => bufferBody(BYTES)],
    ['sha512', () => fileLike(BYTES)],
    ['sha1', () => Promise.resolve(fileLike(BYTES))],
  ] as const)('gives a blob by its %s, and tells who got how much', async (algorithm, body) => {
    const { ask, sent } = await blobDoor((digest) => holding(body as () => Body)(digest))
    const digest = digestOf(BYTES, algorithm)
    const { status, headers, rest } = await ask(path(digest))
    expect([status, rest === BYTES.toString('latin1')]).toEqual([200, true])
    expect(headers.get('content-length')).toBe(String(BYTES.length))
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('etag')).toBe(`"${formatDigest(digest)}"`)
    await until(() => sent.length > 0)
    expect(sent).toEqual([['the member', BYTES.length]])
  })

  it('gives a part, a head, or nothing that the member has already', async () => {
    const { ask } = await blobDoor(holding(() => fileLike(BYTES)))
    const digest = digestOf(BYTES)
    const part = await ask(path(digest), 'range: bytes=299990-\r\n')
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 299990-299999/300000'])
    expect(part.rest).toBe(BYTES.subarray(299_990).toString('latin1'))
    const beyond = await ask(path(digest), 'range: bytes=300000-\r\n')
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */300000'])
    const head = await ask(path(digest), '', 'HEAD')
    expect([head.status, head.headers.get('content-length'), head.rest]).toEqual([200, '300000', ''])
    expect((await ask(path(digest), `if-none-match: "${formatDigest(digest)}"\r\n`)).status).toBe(304)
  })

  it.each([
    ['a blob that is not on the shelf', 'GET', path(digestOf(Buffer.from('x'))), 404, 'does not hold'],
    ['a path of a mirror', 'GET', '/npm/left-pad', 404, 'nothing here but /blobs/v1/'],
    ['the folder', 'GET', '/blobs/v1', 404, 'nothing here but /blobs/v1/'],
    ['a path behind a blob', 'GET', `${path(digestOf(BYTES))}/x`, 404, 'blobs are at'],
    ['a query', 'GET', `${path(digestOf(BYTES))}?x`, 404, 'blobs are at'],
    ['no digest', 'GET', '/blobs/v1/', 400, 'is no digest'],
    [
      'upper case',
      'GET',
      path(digestOf(BYTES)).toUpperCase().replace('/BLOBS/V1/SHA256', '/blobs/v1/sha256'),
      400,
      'is no digest',
    ],
    ['another algorithm', 'GET', `/blobs/v1/crc32:${'0'.repeat(8)}`, 400, 'is no digest'],
    ['a property that every object has', 'GET', '/blobs/v1/constructor:00', 400, 'is no digest'],
    ['a digest that is too short', 'GET', '/blobs/v1/sha256:00', 400, 'is no digest'],
    ['a way out', 'GET', '/blobs/v1/..%2fnode.key', 400, 'is no digest'],
    ['writing', 'POST', path(digestOf(BYTES)), 405, 'for reading'],
    ['deleting', 'DELETE', path(digestOf(BYTES)), 405, 'for reading'],
  ])('refuses %s in plain words', async (_, method, asked, status, words) => {
    const { ask, sent, bugs } = await blobDoor(holding(() => bufferBody(BYTES)))
    const answer = await ask(asked, '', method)
    expect([answer.status, answer.rest.includes(words)]).toEqual([status, true])
    expect(answer.headers.get('content-type')).toContain('text/plain')
    expect([sent, bugs]).toEqual([[], []])
  })

  it('closes what it opened, whatever becomes of it', async () => {
    const bodies = [fileLike(BYTES), fileLike(BYTES), fileLike(BYTES, { breakAt: 0 })]
    let next = 0
    const { ask } = await blobDoor(() => bodies[next++])
    await ask(path(digestOf(BYTES)))
    await ask(path(digestOf(BYTES)), 'range: bytes=300000-\r\n')
    await ask(path(digestOf(BYTES)))
    await until(() => bodies.every(({ closed }) => closed > 0))
  })

  it('breaks off, and never ends cleanly, when a blob breaks in the middle', async () => {
    const { ask, sent, bugs } = await blobDoor(() => fileLike(BYTES, { breakAt: 100_000, piece: 50_000 }))
    const { status, headers, rest } = await ask(path(digestOf(BYTES)))
    expect([status, headers.get('content-length')]).toEqual([200, '300000'])
    expect(rest.length).toBeLessThan(BYTES.length)
    expect([sent, bugs.length]).toEqual([[], 1])
  })

  it('hides from the member what went wrong inside', async () => {
    const { ask, bugs } = await blobDoor(() => {
      throw new Error('EIO at /secret/place')
    })
    const { status, rest } = await ask(path(digestOf(BYTES)))
    expect([status, rest.includes('secret')]).toEqual([500, false])
    expect(bugs.map(String).join()).toContain('EIO')
  })
})
