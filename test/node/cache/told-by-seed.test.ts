import { describe, expect, it } from 'vitest'
import { formatDigest } from '../../../node/digest.ts'
import { WarrenError } from '../../../node/errors.ts'
import type { SeedAnswer } from '../../../node/mesh/mesh.ts'
import { codeOf, inTime, useCacheTests } from './fixture.ts'
import { digestOf, indexed } from './plans.ts'
import { DIGEST, INDEX, KEPT, member, named, OTHER, PLAN, RIGHT, sent } from './told.ts'

useCacheTests()

describe('a member that nothing tells of which digest an artifact is', () => {
  it('asks its home seed for it by name, and for no document', async () => {
    const { outcome, asked, untold, direct, own } = member()
    expect(await outcome()).toEqual(KEPT)
    expect([asked, untold, direct.requests]).toEqual([['a'], ['yes'], []])
    expect(own.announced).toEqual([formatDigest(DIGEST)])
  })

  it('goes by a document that it has', async () => {
    const { outcome, asked, untold, get } = member()
    ;(await get(INDEX)).body.close()
    expect(await outcome()).toEqual(KEPT)
    expect([asked, untold]).toEqual([['index', 'a'], [undefined]])
  })

  it.each([
    ['a seed does not say', { answer: () => ({}) }, 'yes'],
    ['a seed says that nothing promises any', { answer: () => ({ headers: { 'x-warren-promised': 'none' } }) }, 'yes'],
    ['a seed says nonsense', { answer: () => ({ headers: { 'x-warren-promised': 'sha512:00' } }) }, 'yes'],
    ['whoever fetches is no certified seed', { seed: { isSeed: false } }, undefined],
    ['its seed is in another zone', { seed: { isFar: true } }, undefined],
    ['it fetches for others itself', { mesh: { relies: false } }, undefined],
  ] as const)('asks for the document where %s', async (_, setting, asks) => {
    const { outcome, asked, untold } = member(setting)
    expect(await outcome()).toEqual(KEPT)
    expect([asked.toSorted(), untold]).toEqual([['a', 'index'], [asks]])
  })

  it('takes no seed’s word in the place of a signature', async () => {
    const { outcome, asked, untold } = member()
    expect(await outcome({ ...PLAN, proven: true })).toEqual(KEPT)
    expect([asked.toSorted(), untold]).toEqual([['a', 'index'], [undefined]])
  })

  it.each([
    ['a digest that its bytes do not have', { headers: named(digestOf(OTHER)) }],
    ['the digest of other bytes than it sends', { headers: named(DIGEST), body: sent(OTHER) }],
  ])('asks for the document after a seed said %s', async (_, answer) => {
    const { outcome, asked, blamed, direct } = member({ answer: () => answer })
    expect(await outcome()).toEqual(KEPT)
    expect(blamed).toEqual(['the bytes do not match their digest'])
    expect(asked.filter((what) => what === 'a').length).toBeLessThan(3)
    expect(direct.requests.map(({ url }) => url).toSorted()).toEqual([PLAN.url, INDEX.url].toSorted())
  })

  it('says what the seed says where it is not to be had', async () => {
    const { fetch, clock, asked } = member({
      answer: () => ({ status: 404, headers: { 'x-warren-error': 'UPSTREAM_ABSENT' } }),
    })
    expect(await codeOf(inTime(clock, fetch(indexed('b', INDEX))))).toBe('UPSTREAM_ABSENT')
    // Members might have it by a digest, which only a document tells now.
    expect(asked.toSorted()).toEqual(['a', 'a', 'index'])
  })

  it('has the rest from a member, by the digest that the seed told, once that broke off', async () => {
    const { outcome, network } = member({
      cut: () => true,
      answer: ({ headers: { range } }) => {
        if (range !== undefined) throw new Error('it is gone')
        async function* half() {
          yield RIGHT.subarray(0, 10_000)
          throw new WarrenError('UPSTREAM_CUT', 'it broke off')
        }
        return { headers: { ...named(DIGEST), 'content-length': String(RIGHT.length) }, body: half() }
      },
    })
    const peer = network.join({ id: 'p' })
    peer.hold(DIGEST, RIGHT)
    expect(await outcome()).toEqual(KEPT)
    expect(peer.asked).toBe(1)
  })
})

describe('an artifact whose bytes were evicted', () => {
  /** One that was here, with a member that has it. */
  async function evicted(seed: 'gone' | Partial<SeedAnswer>) {
    let isCut = false
    const kit = member({ cut: () => isCut })
    expect(await kit.outcome()).toEqual(KEPT)
    await kit.store.blobs.delete(kit.store.records.get(PLAN.key)?.blob ?? '')
    isCut = true
    for (const one of [...kit.network.members])
      if (one.kind === 'seed') {
        if (seed === 'gone') await one.close()
        else
          one.answers = async () => ({
            status: 200,
            headers: {},
            body: sent(RIGHT),
            destroy() {},
            discard() {},
            blame() {},
            ...seed,
          })
      }
    const peer = kit.network.join({ id: 'p' })
    peer.hold(DIGEST, RIGHT)
    return { ...kit, peer }
  }

  it('comes from a member when neither seeds nor upstream are there any more', async () => {
    const { outcome, peer } = await evicted('gone')
    expect([await outcome(), peer.asked]).toEqual([KEPT, 1])
  })

  it('is not remembered against a «no»', async () => {
    const no = { status: 451, headers: { 'x-warren-error': 'UPSTREAM_LEGAL' }, body: sent(Buffer.alloc(0)) }
    const { fetch, clock, peer } = await evicted(no)
    expect([await codeOf(inTime(clock, fetch(PLAN))), peer.asked]).toEqual(['UPSTREAM_LEGAL', 0])
  })
})

describe('a seed that has others send what it was asked for by name', () => {
  const elsewhere = (size?: number) => () => ({
    status: 303,
    headers: {
      location: `/blobs/v1/${formatDigest(DIGEST)}`,
      ...named(DIGEST),
      ...(size === undefined ? {} : { 'x-warren-bytes': String(size) }),
    },
    body: sent(Buffer.alloc(0)),
  })
  const small = (bytes: Buffer, blamed: string[]) => async () => ({
    kind: 'peer' as const,
    bytes,
    blame: (reason: string) => void blamed.push(reason),
  })

  it('is taken at its word: a neighbour sends it in one piece', async () => {
    const { outcome, own, asked } = member({ answer: elsewhere(RIGHT.length), cut: () => true })
    own.small = small(RIGHT, [])
    expect(await outcome()).toEqual(KEPT)
    expect(asked).toEqual(['a'])
  })

  it.each([
    ['no neighbour has it at hand', RIGHT.length],
    ['it is too large for that', 300_000],
    ['it does not say how large it is', undefined],
  ])('sends it itself where %s', async (_, size) => {
    const { outcome, network, own, asked } = member({ answer: elsewhere(size), cut: () => true })
    if (size !== RIGHT.length) own.small = () => expect.unreachable('it is not small for sure')
    const [seed] = [...network.members].filter(({ id }) => id === 's')
    seed?.hold(DIGEST, RIGHT)
    expect(await outcome()).toEqual(KEPT)
    expect([asked, seed?.asked]).toEqual([['a'], 1])
  })

  it.each([false, true])('counts, whatever a neighbour sends: documents can be had %s', async (isCut) => {
    const lies: string[] = []
    const { outcome, own, blamed } = member({
      cut: () => isCut,
      answer: (question) => (question.headers['x-warren-as-blob'] ? elsewhere(RIGHT.length)() : { headers: named(DIGEST) }),
    })
    own.small = small(OTHER, lies)
    expect(await outcome()).toEqual(KEPT)
    expect([lies, blamed]).toEqual([['the bytes do not match their digest'], []])
  })

  it('is not taken at its word if it is no certified one', async () => {
    const { outcome, own, asked } = member({ answer: elsewhere(RIGHT.length), seed: { isSeed: false } })
    own.small = () => expect.unreachable('its word does not count')
    expect(await outcome()).toEqual(KEPT)
    expect(asked).toContain('index')
  })
})
