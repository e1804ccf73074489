import { describe, expect, it } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import type { UpstreamRequest } from '../../../node/upstream/upstream.ts'
import { useDiskStores } from '../store/fixture.ts'
import { available, bytesOf, codeOf, inTime, makeCache, read, serve, turns, useCacheTests } from './fixture.ts'
import { member } from './mesh.ts'
import { artifact, BASE, digestOf, document, indexBytes, indexed } from './plans.ts'

useCacheTests()

const BYTES = bytesOf(300_000)
const DIGEST = digestOf(BYTES)
const PLAN = artifact('a', [DIGEST])

describe('a member that lies', () => {
  it('is not asked for anything again, while the honest one is', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    const other = bytesOf(1_000, 9)
    const liar = member(kit, 'liar', BYTES, { fault: { flipAt: 3 } })
    liar.hold(digestOf(other), other)
    const honest = member(kit, 'honest', BYTES)
    honest.hold(digestOf(other), other)
    await inTime(kit.clock, kit.fetch(PLAN))
    await inTime(kit.clock, kit.fetch(artifact('b', [digestOf(other)])))
    expect([liar.asked, honest.asked]).toEqual([1, 2])
    expect(kit.events.count('corrupt peer')).toBe(1)
  })

  it('hands out another blob under the digest in vain', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES) })
    member(kit, 'liar', BYTES, { sends: bytesOf(300_000, 3) })
    member(kit, 'short', BYTES, { sends: bytesOf(10, 3) })
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(BYTES)).toBe(true)
    expect(new Set(kit.mesh.blamed)).toEqual(new Set(['liar', 'short']))
  })

  it('is whom a digest proves wrong, not whom the length of a wrong answer of upstream seems to', async () => {
    const login = Buffer.from('<html>Please log in</html>')
    let answer = login
    const kit = makeCache({ script: () => ({ body: answer }) })
    const honest = member(kit, 'honest', BYTES, { fault: { silent: true } })
    const fetching = codeOf(kit.fetch(PLAN))
    await kit.clock.advance(299)
    honest.fault = {}
    await kit.clock.advance(1)
    expect([await fetching, kit.mesh.blamed]).toEqual(['UPSTREAM_CORRUPT', []])
    answer = Buffer.alloc(0)
    expect((await kit.get(PLAN)).source).toBe('peer')
  })

  it('does not use up the second chance of upstream', async () => {
    const small = bytesOf(10_000, 2)
    const plan = artifact('small', [digestOf(small)])
    let asked = 0
    const kit = makeCache({ script: () => ({ body: asked++ === 0 ? bytesOf(10_000, 3) : small }) })
    for (let i = 0; i < 5; i++) member(kit, `liar${i}`, small, { sends: bytesOf(10_000, 4) })
    expect((await inTime(kit.clock, kit.fetch(plan))).equals(small)).toBe(true)
    // After three lies nobody but upstream is asked.
    expect([kit.mesh.blamed.length, asked]).toEqual([3, 2])
  })

  it('as a seed breaks the body off that it was believed for', async () => {
    const kit = makeCache()
    member(kit, 's', BYTES, { kind: 'seed', fault: { flipAt: 100 } })
    const found = await kit.get(PLAN)
    const reading = (async () => {
      for (let at = 0; at < BYTES.length; at += 1_000) await found.body.read(at, 1_000, (size) => Buffer.alloc(size))
    })()
    expect(await codeOf(reading)).toBe('UPSTREAM_CORRUPT')
    found.body.close()
    expect([kit.mesh.blamed, kit.store.records.get(PLAN.key)]).toEqual([['s'], undefined])
  })
})

describe('a wrong copy that came from several', () => {
  const away = () => ({ status: 503 })

  it('is put down to who lied and broke off, not to who finished it', async () => {
    const kit = makeCache({ script: away })
    member(kit, 'liar', BYTES, { fault: { flipAt: 3, cutAfter: 200_000 } })
    const honest = member(kit, 'honest', BYTES)
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    await turns()
    // Once for the rest, once for the whole.
    expect([kit.mesh.blamed, honest.asked]).toEqual([['liar'], 2])
    expect(kit.store.records.get(PLAN.key)?.verified).toEqual([`sha512:${DIGEST.hex}`])
  })

  it('is put down to who lied at its end, not to who was cut off before', async () => {
    const kit = makeCache({ script: away })
    member(kit, 'cut', BYTES, { fault: { cutAfter: 200_000 } })
    member(kit, 'liar', BYTES, { fault: { flipAt: 250_000 } })
    member(kit, 'honest', BYTES)
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    await turns()
    expect(new Set(kit.mesh.blamed)).toEqual(new Set(['liar']))
  })

  it('is put down to who ended it early', async () => {
    const kit = makeCache({ script: away })
    member(kit, 'cut', BYTES, { fault: { cutAfter: 200_000 } })
    const short = member(kit, 'short', BYTES)
    // Asked for the whole, it is honest.
    const fault = () => (short.asked === 1 ? { size: 250_000, shortAfter: 50_000 } : {})
    Object.defineProperty(short, 'fault', { get: fault })
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    await turns()
    expect(kit.mesh.blamed).toEqual(['short'])
  })

  it('is put down to no member when the rest came from upstream and was wrong', async () => {
    const wrong = Buffer.concat([BYTES.subarray(0, 299_000), Buffer.alloc(1_000)])
    const kit = makeCache({ script: (request) => serve(request, request.range ? wrong : BYTES) })
    member(kit, 'cut', BYTES, { fault: { cutAfter: 200_000 } })
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    await turns()
    expect(kit.mesh.blamed).toEqual([])
  })

  it('does not stop readers who have the right beginning of it', async () => {
    const kit = makeCache({ script: away })
    const seed = member(kit, 's', BYTES, { kind: 'seed', fault: { stallAfter: 200_000 } })
    const found = await kit.get(PLAN)
    expect(await available(found.body)).toBe(200_000)
    member(kit, 'liar', BYTES, { fault: { flipAt: 250_000 } })
    const honest = member(kit, 'honest', BYTES)
    expect((await inTime(kit.clock, read(found), 500)).equals(BYTES)).toBe(true)
    await turns()
    expect([seed.asked, honest.asked, new Set(kit.mesh.blamed)]).toEqual([1, 1, new Set(['liar'])])
  })

  it('stops readers who have a wrong beginning of it, and is kept once it is right', async () => {
    const kit = makeCache({ script: away })
    member(kit, 's', BYTES, { kind: 'seed', fault: { flipAt: 3, stallAfter: 200_000 } })
    const found = await kit.get(PLAN)
    expect(await available(found.body)).toBe(200_000)
    member(kit, 'honest', BYTES)
    expect(await codeOf(inTime(kit.clock, read(found), 500))).toBe('UPSTREAM_CUT')
    await turns()
    expect(kit.mesh.blamed).toEqual(['s'])
    expect((await kit.get(PLAN)).source).toBe('local')
  })

  it('stops readers who were told a wrong length, longer or shorter', async () => {
    for (const size of [300_100, 299_900]) {
      const kit = makeCache({ script: (request) => serve(request, BYTES) })
      member(kit, 's', BYTES, { kind: 'seed', fault: { size, cutAfter: 100_000 } })
      expect(await codeOf(inTime(kit.clock, kit.fetch(PLAN), 500))).toBe('UPSTREAM_CUT')
      await turns()
      expect(kit.mesh.blamed).toEqual(['s'])
      expect((await kit.get(PLAN)).source).toBe('local')
    }
  })
})

describe('a peer that sends more than there is and then breaks off', () => {
  const MORE = bytesOf(500_000, 3)
  const fault = { cutAfter: 400_000 }

  it('keeps nobody from what upstream has, and is blamed', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES, { etag: '"a"' }) })
    member(kit, 'liar', BYTES, { sends: MORE, fault })
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(BYTES)).toBe(true)
    await turns()
    expect(new Set(kit.mesh.blamed)).toEqual(new Set(['liar']))
  })

  it('is blamed as well when all that there is was right', async () => {
    const kit = makeCache({ script: (request) => serve(request, BYTES, { etag: '"a"' }) })
    member(kit, 'liar', BYTES, { sends: Buffer.concat([BYTES, Buffer.alloc(200_000)]), fault })
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(BYTES)).toBe(true)
    await turns()
    expect(new Set(kit.mesh.blamed)).toEqual(new Set(['liar']))
  })

  it('keeps nobody from what upstream has at one of two places', async () => {
    const url = 'https://elsewhere.example.test/a'
    const index = indexBytes({ a: { bytes: BYTES, url } })
    const kit = makeCache({
      script: (request) => {
        if (request.url === url) throw new WarrenError('UPSTREAM_UNREACHABLE', 'nobody there')
        return request.url === `${BASE}a` ? serve(request, BYTES) : { body: index }
      },
    })
    member(kit, 'liar', BYTES, { sends: MORE, fault })
    await kit.fetch(document('index'))
    expect((await inTime(kit.clock, kit.fetch(indexed('a')))).equals(BYTES)).toBe(true)
  })

  it.each([503, 404])('keeps nobody from what another member has when upstream says %i', async (status) => {
    const kit = makeCache({ script: () => ({ status }) })
    member(kit, 'liar', BYTES, { sends: MORE, fault })
    member(kit, 'honest', BYTES)
    expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(BYTES)).toBe(true)
    await turns()
    expect(new Set(kit.mesh.blamed)).toEqual(new Set(['liar']))
  })

  it('is not who broke off at what upstream or another member says is beyond the end, before there is a right copy', async () => {
    for (const script of [
      (request: UpstreamRequest) => serve(request, request.range ? BYTES.subarray(0, 9) : BYTES),
      () => ({ status: 503 }),
    ]) {
      const kit = makeCache({ script })
      const honest = member(kit, 'honest', BYTES)
      Object.defineProperty(honest, 'fault', { get: () => (honest.asked === 1 ? { cutAfter: 200_000 } : {}) })
      member(kit, 'short', BYTES, { sends: BYTES.subarray(0, 100_000) }).fault = { size: 100_000 }
      expect((await inTime(kit.clock, kit.fetch(PLAN))).equals(BYTES)).toBe(true)
      await turns()
      expect([kit.mesh.blamed, honest.asked]).toEqual([[], 2])
    }
  })

  it.each([
    ['more', BYTES.length + 200_000, 400_000],
    ['less', BYTES.length - 50_000, 200_000],
  ])('misleads nobody twice as a seed that says %s and breaks off while upstream is away', async (_, size, cutAfter) => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    member(kit, 's', BYTES, { kind: 'seed', sends: Buffer.concat([BYTES, MORE]), fault: { size, cutAfter } })
    member(kit, 'honest', BYTES)
    expect(await codeOf(inTime(kit.clock, kit.fetch(PLAN)))).toBe('UPSTREAM_CUT')
    await turns()
    expect(new Set(kit.mesh.blamed)).toEqual(new Set(['s']))
    expect((await kit.fetch(PLAN)).equals(BYTES)).toBe(true)
  })

  it('is not what a member can make of upstream, however short it says that the blob is', async () => {
    let asked = 0
    const kit = makeCache({
      script: (request) => {
        const times = ++asked
        if (times === 2) return { status: 503 }
        return serve(request, BYTES, { etag: '"a"', chunked: true, ...(times === 1 ? { cutAt: 200_000 } : {}) })
      },
    })
    const found = await kit.get(PLAN)
    member(kit, 'short', BYTES, { sends: BYTES.subarray(0, 9) })
    expect((await inTime(kit.clock, read(found))).equals(BYTES)).toBe(true)
    expect(kit.upstream.requests.map(({ range }) => range?.start)).toEqual([undefined, 200_000, 200_000])
  })

  it('is not what a member can make of a seed that goes on with what upstream told the length of', async () => {
    let asked = 0
    const kit = makeCache({
      script: (request) => {
        const times = ++asked
        if (times === 2) return { status: 503 }
        return serve(request, BYTES, { etag: '"a"', ...(times === 1 ? { cutAt: 100_000 } : {}) })
      },
    })
    const found = await kit.get(PLAN)
    member(kit, 's', BYTES, { kind: 'seed', fault: { cutAfter: 100_000 } })
    member(kit, 'short', BYTES, { sends: BYTES.subarray(0, 9) })
    expect((await inTime(kit.clock, read(found))).equals(BYTES)).toBe(true)
    expect(kit.upstream.requests.map(({ range }) => range?.start)).toEqual([undefined, 200_000, 200_000])
  })
})

describe('a seed that lies about a small artifact', () => {
  it.each([10, 20_001, 60_000])('and says that it has %i bytes is replaced unnoticed', async (length) => {
    const small = bytesOf(20_000, 2)
    const kit = makeCache({ script: (request) => serve(request, small) })
    member(kit, 's', small, { kind: 'seed', sends: bytesOf(length, 4) })
    expect((await inTime(kit.clock, kit.fetch(artifact('small', [digestOf(small)])), 500)).equals(small)).toBe(true)
    expect(kit.mesh.blamed).toEqual(['s'])
  })

  it('is not believed about the length when it goes on where a peer broke off', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    member(kit, 'cut', BYTES, { fault: { cutAfter: 100_000 } })
    member(kit, 's', BYTES, { kind: 'seed', fault: { size: 300_100, surplus: 100 } })
    member(kit, 'honest', BYTES)
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    await turns()
    expect(new Set(kit.mesh.blamed)).toEqual(new Set(['s']))
  })
})

describe('a good member behind bad ones', () => {
  it.each([
    ['break off', { cutAfter: 1 }],
    ['go silent', { stallAfter: 1 }],
    ['answer nothing', { silent: true }],
    ['refuse', { refuse: true }],
  ])('is found when upstream is away and three others %s', async (_, fault) => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    for (let i = 0; i < 3; i++) member(kit, `bad${i}`, BYTES, { fault })
    member(kit, 'good', BYTES)
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    expect(kit.mesh.blamed).toEqual([])
  })

  it.each([
    ['lie', { flipAt: 3 }, 9],
    ['break off', { cutAfter: 1 }, 9],
    ['answer nothing', { silent: true }, 15],
    ['lie and break off', { flipAt: 3, cutAfter: 100 }, 5],
  ])('is found when upstream is away and many others %s', async (_, fault, count) => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    for (let i = 0; i < count; i++) member(kit, `bad${i}`, BYTES, { fault })
    member(kit, 'good', BYTES)
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    expect(kit.mesh.blamed).not.toContain('good')
  })

  it('is not looked for without end', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    const liars = Array.from({ length: 30 }, (_, i) => member(kit, `liar${i}`, BYTES, { fault: { flipAt: i } }))
    expect(await codeOf(inTime(kit.clock, kit.fetch(PLAN), 500))).toBe('UPSTREAM_FAILED')
    expect(liars.filter(({ asked }) => asked > 0).length).toBe(10)
  })

  it.each([-1, Number.NaN, 0.5, 300_000.5, Number.POSITIVE_INFINITY, 2 ** 60])(
    'is found when another says that the blob has %d bytes',
    async (size) => {
      const kit = makeCache({ script: () => ({ status: 503 }) })
      member(kit, 'bad', BYTES, { fault: { size } })
      member(kit, 'good', BYTES)
      expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
      // Nothing was asked of it but how long it is.
      expect(kit.mesh.blamed).toEqual([])
    },
  )
})

describe('a peer that claims more than the disk has room for', () => {
  const stores = useDiskStores()

  it.each([0, 1, 200_000])('does not keep the store from what comes after it has sent %i bytes', async (cutAfter) => {
    const { store } = await stores()
    const kit = makeCache({ store, script: (request) => serve(request, BYTES) })
    member(kit, 'bad', BYTES, { fault: { size: 1e15, cutAfter } })
    expect((await inTime(kit.clock, kit.fetch(PLAN), 500)).equals(BYTES)).toBe(true)
    await kit.cache.close()
    expect(store.records.get(PLAN.key)?.size).toBe(BYTES.length)
  })
})
