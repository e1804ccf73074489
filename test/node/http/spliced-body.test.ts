import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Body, bufferBody, readAll } from '../../../node/body.ts'
import type { ParsedDocument } from '../../../node/cache/plan.ts'
import { SplicedBody } from '../../../node/http/spliced-body.ts'
import { Splices } from '../../../node/http/splices.ts'
import { Random } from '../../harness/random.ts'
import { fileLike } from './bodies.ts'

type Spans = ParsedDocument['spans']

/** What a splice is, said in the simplest way. */
function naive(document: Buffer, spans: Spans, base: string): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (const [start, end, suffix] of spans) {
    parts.push(document.subarray(at, start), Buffer.from(base + suffix))
    at = end
  }
  return Buffer.concat([...parts, document.subarray(at)])
}

/** A document and spans in it: ascending, not overlapping, some empty, some touching, some at the very ends. */
const documents = fc
  .tuple(
    fc.uint8Array({ maxLength: 400 }),
    fc.array(fc.nat(400), { maxLength: 24 }),
    fc.array(fc.string({ maxLength: 12 }), { maxLength: 12 }),
  )
  .map(([bytes, cuts, suffixes]) => {
    const ends = cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b)
    const spans: [number, number, string][] = []
    for (let i = 0; i + 1 < ends.length; i += 2) {
      spans.push([ends[i] as number, ends[i + 1] as number, suffixes[i / 2] ?? 'é/x.tgz'])
    }
    return { bytes: Buffer.from(bytes), spans }
  })

const bases = fc.constantFrom('http://localhost:7470/npm/', '', 'http://é.example.test/', `http://${'long.'.repeat(60)}test/`)

/** Reads [start, …) in requests of `max` bytes with scratch buffers that may be smaller. */
async function readFrom(body: Body, start: number, max: () => number, scratch: () => number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let position = start; ; ) {
    const wanted = max()
    const part = await body.read(position, wanted, (size) => Buffer.alloc(Math.max(1, Math.min(size, scratch())), 0xee))
    if (part.length === 0) return Buffer.concat(parts)
    expect(part.length).toBeLessThanOrEqual(wanted)
    parts.push(Buffer.from(part))
    position += part.length
  }
}

test('any document under any base URL, read in any way, is what plain replacing gives', async () => {
  await fc.assert(
    fc.asyncProperty(documents, bases, fc.nat(), fc.boolean(), async ({ bytes, spans }, base, seed, inMemory) => {
      const random = new Random(seed)
      const stored = inMemory ? bufferBody(bytes) : fileLike(bytes, { piece: () => random.between(1, 200) })
      const body = new SplicedBody(stored, new Splices(spans, base))
      const wanted = naive(bytes, spans, base)
      expect(body.size).toBe(wanted.length)
      expect(body.whole(bytes).equals(wanted)).toBe(true)
      const largest = random.between(1, 500)
      const start = random.between(0, wanted.length)
      const got = await readFrom(
        body,
        start,
        () => random.between(1, largest),
        () => random.between(1, 300),
      )
      expect(got.equals(wanted.subarray(start))).toBe(true)
    }),
    { numRuns: 1_500 },
  )
})

test('a document with thousands of places is spliced right', async () => {
  const random = new Random(3)
  const bytes = random.bytes(1_000_000)
  const spans: [number, number, string][] = []
  for (let at = 50; at + 60 < bytes.length; at += random.between(80, 400))
    spans.push([at, at + random.between(0, 60), `s${at}`])
  const body = new SplicedBody(fileLike(bytes), new Splices(spans, 'http://localhost/npm/'))
  expect((await readAll(body)).equals(naive(bytes, spans, 'http://localhost/npm/'))).toBe(true)
})

test('one read takes in no more than it gives out, however much is replaced', async () => {
  const bytes = Buffer.alloc(5_000_000, 'x')
  let asked = 0
  const stored: Body = {
    size: bytes.length,
    read: (position, max) => {
      asked = Math.max(asked, max)
      return Promise.resolve(bytes.subarray(position, position + max))
    },
    close() {},
  }
  const spans: Spans = [
    [10, 2_000_000, 'a'],
    [2_000_010, 4_999_990, 'b'],
  ]
  const body = new SplicedBody(stored, new Splices(spans, '/'))
  const got = await readFrom(
    body,
    0,
    () => 64,
    () => 64,
  )
  expect(got.toString()).toBe(`${'x'.repeat(10)}/a${'x'.repeat(10)}/b${'x'.repeat(10)}`)
  expect(asked).toBeLessThanOrEqual(64)
})

test('a stored document that ends early breaks the answer', async () => {
  const bytes = Buffer.from('{"a":"@","b":"@"}')
  const spans: Spans = [
    [6, 7, 'x'],
    [14, 15, 'y'],
  ]
  const body = new SplicedBody(fileLike(bytes, { endAt: 10 }), new Splices(spans, 'http://localhost/'))
  await expect(readAll(body)).rejects.toThrow('ended early')
})

test('spans that are not those of the document are refused', () => {
  const body = bufferBody(Buffer.from('0123456789'))
  expect(() => new SplicedBody(body, new Splices([[5, 11, 'x']], 'b'))).toThrow('not the one that was parsed')
  expect(() => new SplicedBody({ ...body, size: undefined }, new Splices([], 'b'))).toThrow('not the one that was parsed')
  expect(() => new Splices([[5, 3, 'x']], 'b')).toThrow('out of order')
  expect(
    () =>
      new Splices(
        [
          [0, 5, 'x'],
          [4, 6, 'y'],
        ],
        'b',
      ),
  ).toThrow('out of order')
})

test('closing it closes what is stored', () => {
  const stored = fileLike(Buffer.from('x'))
  new SplicedBody(stored, new Splices([], '')).close()
  expect(stored.closed).toBe(1)
})
