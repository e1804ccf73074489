import { describe, expect, it } from 'vitest'
import { Documents } from '../../../node/cache/documents.ts'
import type { DocumentParser } from '../../../node/cache/plan.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import { JOB_DEADLINE } from '../../../node/threads/job-threads.ts'
import { keep } from '../../conformance/store.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { eventually } from '../../harness/wait.ts'
import { afterTest, codeOf, failure, makeCache, read, turns, useCacheTests } from './fixture.ts'
import { indexParser, parseIndex, parsings } from './parser.ts'
import { digestOf, document } from './plans.ts'
import { version } from './registry.ts'

useLeakCheck()
useCacheTests()

const INLINE = 128 << 10
const SMALL = version(1)
const padded = (bytes: Buffer, length: number) => Buffer.concat([bytes, Buffer.alloc(length - bytes.length, ' ')])
const LARGE = padded(version(2), INLINE + 1)
/** Ends the thread that parses it. */
const DEADLY = padded(Buffer.from('{"exit":true}'), INLINE + 1)
/** Keeps the thread that parses it for ever. */
const ENDLESS = padded(Buffer.from('{"endless":true}'), INLINE + 1)
const FACTS = { files: { v2: { digests: [] } } }

function makeDocuments(store = new MemoryStore()) {
  const clock = new VirtualClock()
  const documents = new Documents({ records: store.records, clock })
  afterTest(() => documents.close())
  return { documents, store, clock }
}

/** How often something was parsed in this thread meanwhile. */
async function parsedHere(work: () => Promise<unknown>): Promise<number> {
  const before = parsings.count
  await work()
  return parsings.count - before
}

describe('what is kept in memory', () => {
  it('is bounded however little there is to say of each document', async () => {
    const { documents } = makeDocuments()
    const parsed = await documents.parse(indexParser, SMALL)
    const names = Array.from({ length: 100_000 }, (_, at) => at.toString(16).padStart(64, '0'))
    // The store keeps nothing of bytes that it does not have.
    for (const name of names) await documents.keep(indexParser, name, parsed)
    const kept = names.filter((name) => documents.recall(indexParser, name) !== undefined)
    expect(kept.length).toBeGreaterThan(20_000)
    expect(kept.length).toBeLessThan((32 << 20) / 512)
    expect(kept.at(-1)).toBe(names.at(-1))
  })
})

describe('parsing a document', () => {
  it('happens in this thread up to 128 KiB, and in another above', async () => {
    const { documents } = makeDocuments()
    const parse = (bytes: Buffer) => parsedHere(() => documents.parse(indexParser, bytes))
    expect([await parse(SMALL), await parse(padded(SMALL, INLINE)), await parse(padded(SMALL, INLINE + 1))]).toEqual([1, 1, 0])
  })

  it('finds the same in either thread, also in bytes that are a part of larger ones', async () => {
    const { documents } = makeDocuments()
    const view = Buffer.concat([Buffer.alloc(1_000, '!'), LARGE, Buffer.alloc(1_000, '!')]).subarray(1_000, -1_000)
    for (const bytes of [version(2), LARGE, view]) {
      const { json, document: found } = await documents.parse(indexParser, bytes)
      expect([found, JSON.parse(json)]).toEqual([
        { spans: [], facts: FACTS },
        { spans: [], facts: FACTS },
      ])
    }
  })

  it('answers many at a time, each its own', async () => {
    const { documents } = makeDocuments()
    const all = await Promise.all(
      Array.from({ length: 20 }, (_, i) => documents.parse(indexParser, padded(version(i), INLINE + 1))),
    )
    expect(all.map(({ document: { facts } }) => facts)).toEqual(
      Array.from({ length: 20 }, (_, i) => ({ files: { [`v${i}`]: { digests: [] } } })),
    )
  })

  it.each([
    ['small', Buffer.from('{}')],
    ['large', padded(Buffer.from('{}'), INLINE + 1)],
  ])('says why bytes are none (%s)', async (_, bytes) => {
    const { documents } = makeDocuments()
    const error = await failure(documents.parse(indexParser, bytes))
    expect([error.code, error.message]).toEqual(['UPSTREAM_CORRUPT', 'the document is not what it should be: it has no files'])
  })

  it('survives a document that ends the thread', async () => {
    const { documents } = makeDocuments()
    expect(await codeOf(documents.parse(indexParser, DEADLY))).toBe('UPSTREAM_CORRUPT')
    expect((await documents.parse(indexParser, LARGE)).document.facts).toEqual(FACTS)
  })

  it('gives up a document that keeps the thread for ever, and goes on with the others meanwhile and after it', async () => {
    const { documents, clock } = makeDocuments()
    const endless = failure(documents.parse(indexParser, ENDLESS))
    const behind = documents.parse(indexParser, LARGE)
    const other = { ...indexParser, module: new URL('./other-parser.ts', import.meta.url).href }
    expect((await documents.parse(other, LARGE)).document.facts).toEqual(FACTS)
    await eventually('its time to begin', () => clock.sleeping > 0)
    await clock.advance(JOB_DEADLINE)
    expect((await endless).message).toBe('the document is not what it should be: it took more than 10 s')
    expect((await endless).code).toBe('UPSTREAM_CORRUPT')
    expect((await behind).document.facts).toEqual(FACTS)
  })

  it('fails for a parser that the other thread cannot find', async () => {
    const { documents } = makeDocuments()
    const lost = { ...indexParser, exportName: 'parsings' }
    expect((await failure(documents.parse(lost, LARGE))).message).toContain('exports no function parsings')
    const nowhere = { ...indexParser, module: 'file:///nowhere.ts' }
    expect(await codeOf(documents.parse(nowhere, LARGE))).toBe('UPSTREAM_CORRUPT')
  })

  it('ends with DRAINING for all who wait when the node stops, and begins no more', async () => {
    const { documents } = makeDocuments()
    const waiting = [1, 2].map(() => codeOf(documents.parse(indexParser, LARGE)))
    await documents.close()
    await documents.close()
    expect(await Promise.all(waiting)).toEqual(['DRAINING', 'DRAINING'])
    expect(await codeOf(documents.parse(indexParser, LARGE))).toBe('DRAINING')
  })
})

describe('what was found in a document', () => {
  const sha256 = digestOf(LARGE, 'sha256').hex

  it('is looked up by the digest of the bytes, also by the next process', async () => {
    const { documents, store } = makeDocuments()
    await keep(store, LARGE, 'key')
    expect(documents.recall(indexParser, sha256)).toBeUndefined()
    await documents.keep(indexParser, sha256, await documents.parse(indexParser, LARGE))
    expect(documents.recall(indexParser, sha256)?.facts).toEqual(FACTS)
    expect(makeDocuments(store).documents.recall(indexParser, sha256)?.facts).toEqual(FACTS)
  })

  it('is not believed of another version of the grammar', async () => {
    const { documents, store } = makeDocuments()
    await keep(store, LARGE, 'key')
    await documents.keep(indexParser, sha256, await documents.parse(indexParser, LARGE))
    expect(documents.recall({ ...indexParser, id: 'test-index-2' }, sha256)).toBeUndefined()
  })

  it('stays known to this process when it cannot be written down', async () => {
    const { documents, store } = makeDocuments()
    store.records.putParsed = () => Promise.reject(new Error('the disk is full'))
    await documents.keep(indexParser, sha256, await documents.parse(indexParser, LARGE))
    expect(documents.recall(indexParser, sha256)?.facts).toEqual(FACTS)
  })

  it('is found again from the bytes, once for all who ask', async () => {
    const { documents, store } = makeDocuments()
    await keep(store, SMALL, 'key')
    let loads = 0
    const load = async () => {
      loads++
      return SMALL
    }
    const of = () => documents.of(indexParser, digestOf(SMALL, 'sha256').hex, load)
    const parses = await parsedHere(() => Promise.all(Array.from({ length: 20 }, of)))
    expect([loads, parses]).toEqual([1, 1])
    expect([await parsedHere(of), loads]).toEqual([0, 1])
  })

  it('is tried again after the bytes could not be read', async () => {
    const { documents } = makeDocuments()
    const failing = () => documents.of(indexParser, sha256, () => Promise.reject(new Error('EIO')))
    await expect(Promise.all([failing(), failing()])).rejects.toThrow('EIO')
    expect((await documents.of(indexParser, sha256, async () => LARGE)).facts).toEqual(FACTS)
  })
})

describe('a document in the cache', () => {
  it('is parsed once when it comes, however many ask for it then and later', async () => {
    const kit = makeCache({ script: () => ({ body: SMALL }) })
    const parses = await parsedHere(async () => {
      await Promise.all(Array.from({ length: 20 }, () => kit.fetch(document('index'))))
      for (let i = 0; i < 5; i++) await kit.fetch(document('index'))
    })
    expect(parses).toBe(1)
  })

  it('is parsed once for all who ask after a start that finds nothing about it', async () => {
    const first = makeCache({ script: () => ({ body: SMALL }) })
    await first.fetch(document('index'))
    first.store.records.parsed = () => undefined
    const kit = makeCache({ store: first.store })
    const parses = await parsedHere(async () => {
      const found = await Promise.all(Array.from({ length: 20 }, () => kit.get(document('index'))))
      for (const one of found) expect([one.source, (await read(one)).equals(SMALL)]).toEqual(['local', true])
    })
    expect([parses, kit.upstream.requests.length]).toEqual([1, 0])
  })

  it('counts as not held when a newer grammar refuses it, and is fetched anew', async () => {
    const strict: DocumentParser = {
      ...indexParser,
      id: 'test-index-2',
      parse: (bytes) => {
        if (bytes.includes('v1')) throw new Error('v1 is not a document any more')
        return parseIndex(bytes)
      },
    }
    const first = makeCache({ script: () => ({ body: SMALL }) })
    await first.fetch(document('index'))
    const kit = makeCache({ store: first.store, script: () => ({ body: version(2) }) })
    const plan = document('index', { document: strict })
    const all = await Promise.all([kit.fetch(plan), kit.fetch(plan)])
    expect(all.every((bytes) => bytes.equals(version(2)))).toBe(true)
    await turns()
    expect([(await kit.get(plan)).source, kit.upstream.requests.length]).toEqual(['local', 1])
  })

  it('is none when it ends the parser, and a good copy stays', async () => {
    let body = LARGE
    const kit = makeCache({ script: () => ({ body }) })
    await kit.fetch(document('index'))
    body = DEADLY
    await kit.clock.advance(600_000)
    const found = await kit.get(document('index'))
    expect([found.source, (await read(found)).equals(LARGE)]).toEqual(['stale', true])
    expect(kit.events.count('refresh failed')).toBe(1)
  })
})
