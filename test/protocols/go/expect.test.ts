import { describe, expect, it } from 'vitest'
import type { Expectation, Plan } from '../../../node/cache/plan.ts'
import { WarrenError } from '../../../node/errors.ts'
import { go } from '../../../protocols/go/index.ts'
import { defaultUpstreams } from '../../../protocols/go/upstreams.ts'
import type { Mirror } from '../../../protocols/protocol.ts'
import { GoSigner } from '../../harness/scripted-go-log.ts'
import { DatabaseLookup, lines, logWith, mirrorOf, NAME, NEVER } from './fixtures.ts'

const ZIP = 'ex.test/!big/!a/@v/v1.0.0.zip'
const MOD = 'ex.test/!big/!a/@v/v1.0.0.mod'
const LOOKUP = 'lookup/ex.test/!big/!a@v1.0.0'
const RIGHT = { digests: [{ algorithm: 'h1', hex: '07'.repeat(32) }] }

function planOf(mirror: Mirror, path = ZIP): Plan {
  const route = go.route({ method: 'GET', path, query: '', headers: {} }, mirror)
  if (!('plans' in route)) throw new Error('there are no plans')
  return route.plans[0]
}

async function expected(mirror: Mirror, lookup: DatabaseLookup, path = ZIP): Promise<Expectation | undefined> {
  return planOf(mirror, path).expect?.(lookup, NEVER)
}

/** Places in logs: at the edges of tiles, and in the middle of nowhere. */
const PLACES = [0, 1, 2, 4, 7, 254, 255, 256, 299, 511, 512, 699, 33_333, 65_534, 65_535, 65_536, 65_999]

describe('what a zip must be', () => {
  it('is in the log of the checksum database, wherever in logs of whatever length', async () => {
    const log = logWith(PLACES, 66_000)
    for (const size of [1, 2, 3, 5, 8, 255, 256, 257, 300, 511, 512, 513, 700, 65_535, 65_536, 65_537, 66_000]) {
      for (const id of PLACES.filter((place) => place < size)) {
        const lookup = new DatabaseLookup(log, id)
        lookup.headSize = size
        lookup.recordSize = size
        expect([size, id, await expected(mirrorOf(log), lookup)]).toEqual([size, id, RIGHT])
        expect(await expected(mirrorOf(log), lookup, MOD)).toEqual({ digests: [{ algorithm: 'h1mod', hex: '08'.repeat(32) }] })
        // Once for both.
        expect(lookup.asked.filter((path) => path === LOOKUP)).toHaveLength(1)
        const tiles = lookup.asked.filter((path) => path.startsWith('tile/'))
        expect(new Set(tiles).size).toBe(tiles.length)
        expect(tiles.length).toBeLessThanOrEqual(6)
      }
    }
  })

  it('is proved by one head for many records, and by a record’s own if that is newer', async () => {
    const log = logWith(600, 700)
    const lookup = new DatabaseLookup(log, 600)
    lookup.headSize = 650
    expect(await expected(mirrorOf(log), lookup)).toEqual(RIGHT)
    expect(lookup.asked).toContain('tile/8/0/002.p/138')
    const older = new DatabaseLookup(log, 600)
    older.headSize = 500
    expect(await expected(mirrorOf(log), older)).toEqual(RIGHT)
    expect(older.asked).toContain('tile/8/0/002.p/188')
    const without = new DatabaseLookup(log, 600)
    without.answers.set('latest', new WarrenError('UPSTREAM_FAILED', 'no head today'))
    expect(await expected(mirrorOf(log), without)).toEqual(RIGHT)
  })

  it('is proved by full tiles where the server has forgotten their beginnings', async () => {
    const log = logWith(600, 800)
    const lookup = new DatabaseLookup(log, 600)
    lookup.headSize = 700
    lookup.answers.set('tile/8/0/002.p/188', new WarrenError('UPSTREAM_ABSENT', 'forgotten'))
    expect(await expected(mirrorOf(log), lookup)).toEqual(RIGHT)
    expect(lookup.asked).toContain('tile/8/0/002')
  })

  it('is nothing where the database does not know the version', async () => {
    for (const code of ['UPSTREAM_ABSENT', 'UPSTREAM_GONE'] as const) {
      const log = logWith(1, 3)
      const lookup = new DatabaseLookup(log, 1)
      lookup.answers.set(LOOKUP, new WarrenError(code, 'not found'))
      expect(await expected(mirrorOf(log), lookup)).toEqual({ digests: [] })
    }
  })

  it('is not known where the public database does not know yet what the public proxy has', async () => {
    const absent = async () => {
      throw new WarrenError('UPSTREAM_ABSENT', 'not found: fetch timed out')
    }
    const { upstreams } = mirrorOf(logWith(0, 1))
    for (const [bases, known] of [
      [defaultUpstreams, undefined],
      [upstreams, { digests: [] }],
    ] as const) {
      const plan = planOf({ name: 'go', path: '/go/', upstreams: bases })
      expect(await plan.expect?.({ cached: async () => undefined, fetch: absent }, NEVER)).toEqual(known)
    }
  })

  it('is not known while the database cannot be asked', async () => {
    const log = logWith(1, 300)
    for (const path of [LOOKUP, 'tile/8/0/000']) {
      const lookup = new DatabaseLookup(log, 1)
      lookup.answers.set(path, new WarrenError('UPSTREAM_FAILED', 'in trouble'))
      await expect(expected(mirrorOf(log), lookup)).rejects.toMatchObject({ code: 'UPSTREAM_FAILED' })
    }
    const denied = new DatabaseLookup(log, 1)
    denied.answers.set(LOOKUP, new WarrenError('UPSTREAM_DENIED', 'not for you'))
    await expect(expected(mirrorOf(log), denied)).rejects.toMatchObject({ code: 'UPSTREAM_DENIED' })
  })

  it('is not believed of a record that is not in the log', async () => {
    const log = logWith(600, 700)
    const lie = log.record(600).replace(/h1:.{5}/, 'h1:AAAAA')
    const lookup = new DatabaseLookup(log, 600)
    lookup.answers.set(LOOKUP, Buffer.from(lie))
    expect(await expected(mirrorOf(log), lookup)).toBeUndefined()
    const elsewhere = new DatabaseLookup(log, 600)
    elsewhere.answers.set(LOOKUP, Buffer.from(log.record(600).replace(/^600/, '599')))
    expect(await expected(mirrorOf(log), elsewhere)).toBeUndefined()
  })

  it.each([650, 900])(
    'is proved by a newer head where the log was begun anew since one of %s records is held',
    async (size) => {
      const log = logWith(600, 700)
      const before = logWith(3, size, log.signer)
      const lookup = new DatabaseLookup(log, 600)
      lookup.answers.set('latest', Buffer.from(before.head()))
      await lookup.fetch(planOf(mirrorOf(log), `sumdb/${NAME}/latest`))
      lookup.answers.clear()
      expect(await expected(mirrorOf(log), lookup)).toEqual(RIGHT)
    },
  )

  it('is not known where the tiles of no head are there', async () => {
    const log = logWith(600, 700)
    const lookup = new DatabaseLookup(log, 600)
    for (const tile of ['0/002', '0/002.p/188']) lookup.answers.set(`tile/8/${tile}`, new WarrenError('UPSTREAM_ABSENT', 'no'))
    await expect(expected(mirrorOf(log), lookup)).rejects.toMatchObject({ code: 'UPSTREAM_ABSENT' })
  })

  it('is not believed by tiles that do not fit', async () => {
    const log = logWith(600, 700)
    const lookup = new DatabaseLookup(log, 600)
    lookup.answers.set('tile/8/1/000.p/2', Buffer.alloc(64))
    expect(await expected(mirrorOf(log), lookup)).toBeUndefined()
    // Kept as they came, they are asked for again, and are right now.
    lookup.answers.clear()
    expect(await expected(mirrorOf(log), lookup)).toEqual(RIGHT)
  })

  it('is not believed of a database with another key', async () => {
    const log = logWith(600, 700)
    const other = mirrorOf(logWith(0, 1, new GoSigner(NAME)))
    await expect(expected(other, new DatabaseLookup(log, 600))).rejects.toMatchObject({ code: 'UPSTREAM_CORRUPT' })
  })

  it('is not believed of a record of something else, or of one beyond the log', async () => {
    const log = logWith(600, 700)
    for (const text of [log.record(599), log.record(600, 600), `${log.record(600)}x`]) {
      const lookup = new DatabaseLookup(log, 600)
      lookup.answers.set(LOOKUP, Buffer.from(text))
      await expect(expected(mirrorOf(log), lookup)).rejects.toThrow()
    }
  })

  it('is not told by a record that has the go.mod alone', async () => {
    const log = logWith(-1, 5)
    const id = log.add(lines('ex.test/Big/A', 'v1.0.0').split('\n')[1]?.concat('\n') ?? '')
    const lookup = new DatabaseLookup(log, id)
    expect(await expected(mirrorOf(log), lookup)).toBeUndefined()
    expect(await expected(mirrorOf(log), lookup, MOD)).toMatchObject({ digests: [{ algorithm: 'h1mod' }] })
  })

  it('is nothing at all where no database is believed', () => {
    const plan = planOf(mirrorOf(logWith(0, 1), { sumdb: 'off' }))
    expect([plan.digests, plan.expect]).toEqual([[], undefined])
  })
})
