import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { Body } from '../../node/body.ts'
import { formatDigest } from '../../node/digest.ts'
import { BLOB_PATH } from '../../node/mesh/blobs/constants.ts'
import { encodeReferral } from '../../node/mesh/swarm/referral.ts'
import { type Answer, answer, serve } from '../harness/answer.ts'
import { cleanEnv, run } from '../harness/child-process.ts'
import { declare, type Fault, flip, instead, spoil } from '../harness/fault.ts'
import { LONG } from '../harness/hostile-member.ts'
import { get, HttpClient } from '../harness/http.ts'
import { keepLogs } from '../harness/kept-logs.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import type { MemberProcess } from '../harness/member-process.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { digestOf } from '../node/cache/plans.ts'
import { HostileMesh } from './hostile-mesh.ts'

const TIMEOUT_MS = 300_000
const MIB = 1 << 20
const WARREN = fileURLToPath(new URL('../../admin/cli/warren.js', import.meta.url))
/** How whoever got something else says so. */
const WRONG = 'the bytes do not match their digest'
/** Bytes of a blob that is checked in chunks, and where a liar takes its time. */
const LARGE = 12 * MIB
const HELD_AT = 9 * MIB
/** Pieces that go out meanwhile, and ms between two: what is slower is left for another one. */
const PIECE = MIB >> 2
const PACE_MS = 100

/** Claims that may prove false before a member is believed no more. */
const FALSE_CLAIMS = 16
/** Bytes a second that the registry gives while a seed is fetching. */
const COLD_RATE = 4 * MIB
const REFERRAL_HEADERS = { 'content-type': 'application/json', 'x-warren-error': 'NODE_BUSY' }

useLeakCheck()
const temp = useTempFolders('file')

let all: HostileMesh
beforeAll(async () => {
  all = await HostileMesh.start(temp, {
    registries: {
      npm: { packages: 30, bytes: [20_000, 60_000], seed: 71 },
      claimed: { packages: 48, bytes: [2_000, 4_000], seed: 73 },
      large: { packages: 4, bytes: [LARGE, LARGE], seed: 72 },
    },
  })
}, TIMEOUT_MS)
afterAll(() => all?.[Symbol.asyncDispose]())

function pathOf(bytes: Buffer): string {
  return BLOB_PATH + formatDigest(digestOf(bytes))
}

/** Passes another number of bytes off for the whole. */
function cropped(sizeOf: (size: number) => number): Fault {
  return (given) => {
    const size = sizeOf(given.size)
    const read: Body['read'] = async (position, max, scratch) => {
      const wanted = Math.min(max, size - position)
      const bytes = await given.open().read(position, wanted, scratch)
      return bytes.length > 0 ? bytes : Buffer.alloc(Math.max(0, wanted))
    }
    return { ...given, size, open: () => ({ size, read, close: () => {} }) }
  }
}

/** What is wrong with a small blob that somebody sends. */
const SMALL: readonly { readonly name: string; readonly fault: Fault }[] = [
  { name: 'a wrong byte', fault: flip(10_000) },
  { name: 'fewer bytes', fault: cropped((size) => size - 1_000) },
  { name: 'more bytes', fault: cropped((size) => size + 1_000) },
  { name: 'a wrong length', fault: declare(10_000) },
  { name: 'other bytes', fault: instead(serve(Buffer.alloc(30_000, 'x'))) },
]

/** Sends the rest from byte `HELD_AT` on little by little, until it may go on. */
function heldBack(released: { readonly promise: Promise<void>; isOver: boolean }): Fault {
  return (given) => ({
    ...given,
    open: () => {
      const body = given.open()
      const read: Body['read'] = async (position, max, scratch) => {
        if (position < HELD_AT) return body.read(position, Math.min(max, HELD_AT - position), scratch)
        if (released.isOver) return body.read(position, max, scratch)
        await Promise.race([released.promise, sleep(PACE_MS)])
        return body.read(position, Math.min(max, PIECE), scratch)
      }
      return { size: body.size, read, close: () => body.close() }
    },
  })
}

/** What an operator sees beside a node. */
async function shownPeers({ data }: MemberProcess): Promise<readonly unknown[]> {
  const command = [process.execPath, WARREN, 'peers', '--json', '--data', data] as const
  const { code, stdout, stderr } = await run([...command], { cwd: data, env: cleanEnv({ HOME: data }), timeoutMs: TIMEOUT_MS })
  expect([code, stderr]).toEqual([0, ''])
  return JSON.parse(stdout).peers
}

/** Bytes that one got from the other. */
async function bytesBetween(sender: MemberProcess, reader: MemberProcess): Promise<number> {
  return (await reader.peers()).find(({ id }) => id === sender.peer)?.bytesIn ?? 0
}

describe('a member with a patched node', () => {
  it('that sends wrong bytes and lengths: nobody gets or passes on any of it, and everybody who was lied to names it', {
    timeout: TIMEOUT_MS,
  }, async () => {
    keepLogs(() => all.mesh.members)
    const packages = all.packages('npm')
    const byPath = new Map(packages.map(({ archive }) => [pathOf(archive), serve(archive)]))
    const kindFor = (peer: string) => SMALL[all.honest.findIndex((node) => node.peer === peer)]
    const lie = (path: string, peer: string): Answer | undefined => {
      const good = byPath.get(path)
      return good && spoil(good, kindFor(peer)?.fault ?? flip(0))
    }
    const liar = await all.attacker({ lie })
    const accomplice = await all.attacker()
    for (const { archive } of packages) liar.claim(archive)
    await liar.isKnownTo(all.honest)

    const left = [...packages]
    for (const node of all.honest) {
      const kind = kindFor(node.peer)
      // It asks the liar as soon as that one is the first to answer.
      while (!(await all.reason(node, liar))) {
        const next = left.shift()
        if (!next) throw new Error(`${node.name} was never sent ${kind?.name}`)
        await all.install(node, 'npm', next)
      }
      const heard = liar.askedBy(node.peer, BLOB_PATH).filter(({ sent }) => sent > 0)
      expect(heard.length, `lies to ${node.name}`).toBeGreaterThan(0)
      expect(await all.reason(node, liar), kind?.name).toBe(WRONG)
    }
    const [one] = all.honest
    expect(one && (await shownPeers(one))).toContainEqual(
      expect.objectContaining({ id: liar.id, quarantine: { until: expect.any(Number), reason: WRONG } }),
    )
    // Whoever takes it unchecked has something else.
    const [first] = packages
    if (!first) throw new Error('there are no packages')
    expect((await liar.taken(accomplice, digestOf(first.archive))).equals(first.archive)).toBe(false)
    // Those who were lied to hand on what is right.
    await all.atRest()
    const sources = new Set<string>()
    const asked = packages.filter((one) => !left.includes(one))
    for (const node of all.honest) for (const one of asked) sources.add(await all.install(node, 'npm', one))
    expect([...sources]).toContain('peer')
    await all.blamesNobodyHonest()
  })

  it.each([
    { where: 'that a seed has', isCold: false, packages: [0, 2] },
    { where: 'that a seed is only fetching', isCold: true, packages: [2, 4] },
  ])(
    'that sends a wrong chunk late in a large blob $where: nobody gets it, and who relayed is not blamed',
    {
      timeout: TIMEOUT_MS,
    },
    async ({ isCold, packages }) => {
      keepLogs(() => all.mesh.members)
      const [seed] = all.seeds
      const [relay, reader, early] = all.members
      if (!seed || !relay || !reader || !early) throw new Error('they did not start')
      const replay = all.replay('large')
      onTestFinished(() => replay.limit(0))
      for (const one of all.packages('large').slice(...packages)) {
        const { archive, tarball, name } = one
        const path = pathOf(archive)
        const liesAt = archive.length - 1000
        const released = { ...Promise.withResolvers<void>(), isOver: false }
        const wrong = spoil(serve(archive), flip(liesAt), heldBack(released))
        const referral = answer(503, encodeReferral([{ peer: relay.peer, at: HELD_AT }]), REFERRAL_HEADERS)
        const lie = (asked: string, peer: string) => (asked === path ? (peer === relay.peer ? wrong : referral) : undefined)
        const liar = await all.attacker({ lie })
        liar.claim(archive)
        await liar.isKnownTo([relay, reader])
        for (const node of all.members) await get(`${node.url}/large/${name}`)
        replay.limit(isCold ? COLD_RATE : 0)
        const first = isCold ? get(`${early.url}/large${tarball}`) : undefined
        if (first) await eventually('it begins to come', () => replay.tally.path(tarball).bytes >= 2 * MIB, LONG)
        else await all.install(seed, 'large', one)
        if (!first) await all.atRest()

        const before = await bytesBetween(relay, reader)
        let isOver = false
        const relaying = get(`${relay.url}/large${tarball}`).finally(() => {
          isOver = true
        })
        const isHeld = () => liar.askedBy(relay.peer, path).some(({ sent }) => sent >= HELD_AT)
        await eventually('the liar holds it back, or another one was faster', () => isHeld() || isOver, TIMEOUT_MS)
        const client = new HttpClient()
        try {
          const reading = await client.open(`${reader.url}/large${tarball}`)
          const begun = await reading.take(MIB)
          released.isOver = true
          released.resolve()
          const [whole, rest] = await Promise.all([relaying, reading.take(archive.length)])
          expect([reading.status, reading.complete, Buffer.concat([begun, rest]).equals(archive)]).toEqual([200, true, true])
          for (const { status, complete, body } of [whole, await first].flatMap((reply) => reply ?? [])) {
            expect([status, complete, body.equals(archive)]).toEqual([200, true, true])
          }
        } finally {
          client.close()
        }
        await all.atRest()
        await all.blamesNobodyHonest()
        const passedOn = (await bytesBetween(relay, reader)) - before
        const reason = await all.reason(relay, liar)
        // Where somebody else was faster, or the liar too slow, nobody heard the lie.
        if (!reason || passedOn < HELD_AT) continue
        const chunk = Math.floor(liesAt / MIB)
        expect(reason).toBe(`sent a wrong chunk ${chunk}, bytes ${chunk * MIB} and on`)
        expect(liar.askedBy(reader.peer, path).length).toBeGreaterThan(0)
        return
      }
      throw new Error('nobody was lied to while others took from it what was right')
    },
  )

  it('that claims what it does not have is asked for it no more, and everybody gets it elsewhere', {
    timeout: TIMEOUT_MS,
  }, async () => {
    keepLogs(() => all.mesh.members)
    const [node] = all.honest
    if (!node) throw new Error('there is nobody')
    const liar = await all.attacker({ lie: (path) => (path.startsWith(BLOB_PATH) ? answer(404) : undefined) })
    const packages = all.packages('claimed')
    for (const { archive } of packages) liar.claim(archive)
    await liar.isKnownTo([node])
    const told = async () => (await node.peers()).find(({ id }) => id === liar.id)?.inventory
    const left = [...packages]
    while ((await told())?.state !== 'ignored') {
      const next = left.shift()
      if (!next) throw new Error('it is believed whatever it claims')
      await all.install(node, 'claimed', next)
    }
    expect((await told())?.ignored?.reason).toMatch(/^of the last \d+ blobs that it said it has it lacked \d+$/)
    const asked = liar.askedBy(node.peer, BLOB_PATH).length
    expect(asked).toBeGreaterThanOrEqual(FALSE_CLAIMS)
    expect(left.length).toBeGreaterThan(0)
    for (const one of left) await all.install(node, 'claimed', one)
    expect(liar.askedBy(node.peer, BLOB_PATH).length).toBe(asked)
    await all.blamesNobodyHonest()
  })
})
