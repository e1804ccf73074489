import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bufferBody } from '../../../node/body.ts'
import { acceptedEncodings, encode } from '../../../node/http/encodings.ts'
import { RenderedCache } from '../../../node/http/rendered.ts'
import { Random } from '../../harness/random.ts'
import { fileLike } from './bodies.ts'
import { using } from './fixture.ts'

test.each([
  [undefined, []],
  ['', []],
  ['gzip', ['gzip']],
  ['GZip', ['gzip']],
  ['x-gzip', ['gzip']],
  ['gzip, deflate, br', ['br', 'gzip']],
  ['gzip, deflate, br, zstd', ['zstd', 'br', 'gzip']],
  ['br;q=0.5, gzip', ['gzip', 'br']],
  ['gzip;q=0', []],
  ['gzip;q=0, *', []],
  ['gzip;q=0.000, br', ['br']],
  ['*', ['gzip']],
  ['*;q=0', []],
  ['*;q=0, gzip', ['gzip']],
  ['identity', []],
  ['identity, gzip;q=0.5', []],
  ['identity;q=0.5, gzip', ['gzip']],
  ['identity;q=0, gzip', ['gzip']],
  ['gzip;q=1.5', []],
  ['gzip;q=-1', []],
  ['gzip;q=abc', []],
  ['gzip;x=1;q=0.1', ['gzip']],
  ['deflate, compress', []],
  [
    ['gzip', 'br'],
    ['br', 'gzip'],
  ],
  [`${' '.repeat(2_000)}, gzip`, []],
])('Accept-Encoding %j takes %j', (header, wanted) => {
  expect(acceptedEncodings(header)).toEqual(wanted)
})

test('every encoding decodes to what went in', async () => {
  const bytes = Buffer.from('warren '.repeat(1_000))
  expect(gunzipSync(await encode('gzip', bytes)).equals(bytes)).toBe(true)
  expect(brotliDecompressSync(await encode('br', bytes)).equals(bytes)).toBe(true)
  expect(zstdDecompressSync(await encode('zstd', bytes)).equals(bytes)).toBe(true)
})

function cache(bytes = 1 << 20) {
  const troubles: unknown[] = []
  return { troubles, rendered: using(new RenderedCache({ onTrouble: (error) => troubles.push(error) }, { bytes })) }
}

const text = Buffer.from('warren '.repeat(1_000))

/** Counts how often a document is opened to be compressed. */
function counting(bytes: Buffer) {
  const document = {
    opened: 0,
    open: async () => {
      document.opened++
      return bufferBody(bytes)
    },
  }
  return document
}

test('a form is made once, however many ask while it is made', async () => {
  const { rendered } = cache()
  const document = counting(text)
  for (let i = 0; i < 20; i++) rendered.make('a', 'gzip', document.open)
  expect(rendered.get('a', 'gzip')).toBeUndefined()
  await rendered.settled()
  rendered.make('a', 'gzip', document.open)
  await rendered.settled()
  expect(document.opened).toBe(1)
  expect(gunzipSync(rendered.get('a', 'gzip') ?? '').equals(text)).toBe(true)
  expect(rendered.get('a', 'br')).toBeUndefined()
  expect(rendered.get('b', 'gzip')).toBeUndefined()
})

test('the body that was opened is closed, also when it breaks, and the next one is made all the same', async () => {
  const { rendered, troubles } = cache()
  const broken = fileLike(text, { breakAt: 0 })
  const whole = fileLike(text)
  rendered.make('a', 'gzip', async () => broken)
  rendered.make('b', 'gzip', async () => whole)
  await rendered.settled()
  expect([broken.closed, whole.closed]).toEqual([1, 1])
  expect(troubles).toHaveLength(1)
  expect(rendered.get('a', 'gzip')).toBeUndefined()
  expect(rendered.get('b', 'gzip')).toBeDefined()
})

test('a document that ends early never becomes a compressed one', async () => {
  const { rendered, troubles } = cache()
  rendered.make('a', 'gzip', async () => fileLike(text, { endAt: 100 }))
  await rendered.settled()
  expect(rendered.get('a', 'gzip')).toBeUndefined()
  expect(String(troubles[0])).toContain('100 bytes instead of 7000')
})

test('what does not fit, or does not shrink, is not made over and over', async () => {
  const { rendered } = cache(50)
  const noise = cache()
  const documents = [counting(text), counting(new Random(1).bytes(2_000))] as const
  for (let round = 0; round < 3; round++) {
    rendered.make('a', 'gzip', documents[0].open)
    noise.rendered.make('a', 'gzip', documents[1].open)
    await Promise.all([rendered.settled(), noise.rendered.settled()])
  }
  expect(documents.map(({ opened }) => opened)).toEqual([1, 1])
  expect([rendered.bytes, noise.rendered.bytes]).toEqual([0, 0])
})

test('memory is bounded, and so is what waits', async () => {
  const { rendered } = cache(3_000)
  const noise = counting(Buffer.from(new Random(1).bytes(1_000).toString('hex')))
  for (let i = 0; i < 500; i++) rendered.make(`d${i}`, 'gzip', noise.open)
  await rendered.settled()
  expect(noise.opened).toBeLessThanOrEqual(64)
  expect(noise.opened).toBeGreaterThan(10)
  expect(rendered.bytes).toBeLessThanOrEqual(3_000)
})

test('a document that is gone by now leaves no trace, and may be asked for again', async () => {
  const { rendered } = cache()
  rendered.make('a', 'gzip', async () => undefined)
  await rendered.settled()
  rendered.make('a', 'gzip', async () => bufferBody(text))
  await rendered.settled()
  expect(rendered.get('a', 'gzip')).toBeDefined()
})

test('closing ends the work, and nothing begins afterwards', async () => {
  const { rendered } = cache()
  const document = counting(text)
  for (let i = 0; i < 10; i++) rendered.make(`d${i}`, 'gzip', document.open)
  await rendered.close()
  rendered.make('late', 'gzip', document.open)
  await rendered.close()
  expect(document.opened).toBe(0)
})
