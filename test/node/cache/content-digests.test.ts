import { describe, expect, it } from 'vitest'
import type { Digest } from '../../../node/digest.ts'
import { h1Of, makeZip } from '../../harness/scripted-go-zip.ts'
import { bytesOf, codeOf, inTime, type Kit, makeCache, serve, turns, useCacheTests } from './fixture.ts'
import { artifact, BASE } from './plans.ts'

useCacheTests()

const FILES = [
  { name: 'a@v1.0.0/go.mod', data: 'module a\n' },
  { name: 'a@v1.0.0/data', data: bytesOf(12_000_000) },
]
const ZIP = makeZip(FILES.map((file) => ({ ...file, stored: true })))
const OTHER_WAY = makeZip(FILES)
const H1: Digest = { algorithm: 'h1', hex: Buffer.from(h1Of(FILES).slice('h1:'.length), 'base64').toString('hex') }
const PLAN = artifact('a.zip', [H1])

/** A member that says it has the archive with that digest. */
function member(kit: Kit, kind: 'peer' | 'seed', sends: Buffer) {
  const joined = kit.network.join({ id: kind, kind })
  joined.hold(H1, sends)
  return joined
}

const upstreamHas = (bytes: Buffer): Kit => makeCache({ script: (request) => serve(request, bytes) })

describe('an archive that is known by what is in it', () => {
  it('is kept, however it is packed, and found by that digest', async () => {
    for (const bytes of [ZIP, OTHER_WAY]) {
      const kit = upstreamHas(bytes)
      expect((await kit.fetch(PLAN)).equals(bytes)).toBe(true)
      await turns()
      const sha256 = kit.store.blobs.find(H1)
      expect(sha256).toBe(kit.store.records.get(PLAN.key)?.blob)
      // It names the files, and not the bytes.
      const found = await kit.get(PLAN)
      expect(found.digest).toBe(`sha256:${sha256}`)
      found.body.close()
    }
  })

  it('comes from a member, and from the next one if that one lied', async () => {
    const kit = makeCache({ script: () => ({ status: 503 }) })
    member(kit, 'peer', Buffer.from(ZIP).fill(0, 5_000_000, 5_000_010))
    member(kit, 'seed', OTHER_WAY)
    const bytes = await inTime(kit.clock, kit.fetch(PLAN))
    expect(bytes.equals(OTHER_WAY)).toBe(true)
  })

  it('is broken off where upstream has other files', async () => {
    const kit = upstreamHas(makeZip([{ name: 'a@v1.0.0/go.mod', data: 'module evil\n' }]))
    expect(await codeOf(kit.fetch(PLAN))).toBe('UPSTREAM_CORRUPT')
    await turns()
    expect(kit.store.records.get(PLAN.key)).toBeUndefined()
  })

  it('is served unchecked while the disk takes nothing, but not from a peer', async () => {
    const kit = upstreamHas(ZIP)
    kit.memory.storing = false
    expect((await kit.fetch(PLAN)).equals(ZIP)).toBe(true)
    await turns()
    expect([kit.events.count('unverified'), kit.store.records.get(PLAN.key)]).toEqual([1, undefined])
    const away = makeCache({ script: () => ({ status: 503 }) })
    away.memory.storing = false
    member(away, 'peer', ZIP)
    expect(await codeOf(inTime(away.clock, away.fetch(PLAN)))).toMatch(/^UPSTREAM_/)
    expect(away.upstream.count(`${BASE}a.zip`)).toBeGreaterThan(0)
  })

  it('is checked even then if it is small', async () => {
    const wrong = upstreamHas(makeZip([{ name: 'a@v1.0.0/go.mod', data: 'module evil\n' }]))
    wrong.memory.storing = false
    expect(await codeOf(wrong.fetch(PLAN))).toBe('UPSTREAM_CORRUPT')
  })
})
