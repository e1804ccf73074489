import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { Overrides } from '../../node/components.ts'
import { Host } from '../../node/mesh/host/host.ts'
import { answer, json, serve } from '../harness/answer.ts'
import { anyBehaviour, type Behaviour, HONEST } from '../harness/bad-answers.ts'
import { BadMember, type Deed, type Part } from '../harness/bad-member.ts'
import { cutAfter, hangUp, rangeless, spoil } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Members } from '../harness/members.ts'
import { Random } from '../harness/random.ts'
import { ScriptedUpstream, type Step } from '../harness/scripted.ts'
import { HastyClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { type TempFolders, useTempFolders } from '../harness/temp.ts'
import { type MeshNode, TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

/** `WARREN_ROUNDS` runs more or fewer, `WARREN_SEED` begins with another one: that of a round that failed, to see it alone. */
const ROUNDS = Number(process.env.WARREN_ROUNDS ?? 200)
const FIRST_SEED = Number(process.env.WARREN_SEED ?? 1)
const LARGEST = 20 << 20
/** Of what all blobs are made. */
const POOL = new Random(20_261_201).bytes(LARGEST + (1 << 20))
/** Longer than any quarantine: each round begins with members who are believed. */
const NEXT_ROUND = 25 * 60 * 60_000
/** Seeds in the mesh: each may mislead a client once. */
const SEEDS = 2
/** Members in processes of their own: seed of the bytes, how many there are, and how many are sent before the end. */
const DEATHS = [
  [2, 5_000_000, 1_000_000],
  [3, 5_000_000, 1_000_000],
  [4, 200_000, 1],
  [5, 200_000, 199_999],
] as const
const CHILD = fileURLToPath(new URL('../harness/child/dying-member.ts', import.meta.url))
const FAR = Date.UTC(2100, 0, 1)

useLeakCheck()

interface Mood {
  readonly name: string
  readonly steps: readonly [Step, ...Step[]]
  readonly good: boolean
}

interface RoundsComponents {
  readonly node: MeshNode
  readonly upstream: ScriptedUpstream
  readonly clock: HastyClock
  readonly cast: readonly BadMember[]
  readonly known: Mesh['known']
}

/** Rounds in which one node is asked for something new, and the others do what the seed of the round says. */
class Rounds {
  readonly #components: RoundsComponents
  readonly #checked = new Set<string>()
  /** What is asked for in this round. */
  #bytes: Buffer = Buffer.alloc(0)
  #path = ''
  /** Whether somebody got it in this round. */
  #isRight = false
  /** Answers that were whole and right. */
  whole = 0
  /** Answers that the lie of a seed broke off or refused; the next one was right. */
  broken = 0
  /** Answers where the bytes could not be had. */
  failed = 0

  constructor(components: RoundsComponents) {
    this.#components = components
  }

  async run(seed: number): Promise<void> {
    const { upstream } = this.#components
    const random = new Random(seed * 7919)
    const size = Math.max(1, Math.floor(LARGEST ** random.next()))
    const from = random.between(0, POOL.length - size)
    this.#bytes = POOL.subarray(from, from + size)
    const name = `thing${seed}`
    this.#path = `/${name}/-/${name}-1.0.0.tgz`
    const mood = moodOf(this.#bytes, random)
    upstream.on(`/${name}/1.0.0`, json(manifestOf(name, upstream.origin + this.#path, this.#bytes)))
    upstream.on(this.#path, ...mood.steps)
    this.#isRight = false
    this.#cast(random, mood)
    await this.#tell()
    try {
      await this.#ask(random, mood)
      await this.#check()
    } catch (error) {
      const story = `WARREN_SEED=${seed}: ${size} bytes, upstream ${mood.name}; ${this.#story()}`
      throw new Error(`${story}\n${error instanceof Error ? error.message : error}`, { cause: error })
    }
    await this.#next()
  }

  /** Gives out the parts. The bytes can be had from somebody, but for some rounds in which they cannot. */
  #cast(random: Random, mood: Mood): void {
    const bytes = this.#bytes
    const { upstream, cast } = this.#components
    const isHeard = () => upstream.count(this.#path) === 0 && cast.every(({ fetched }) => fetched === 0)
    const vouches = random.next() < 1 / 4
    const rest = [...this.#components.cast]
    const isHopeless = random.next() < 1 / 12
    const honest = !isHopeless && (!mood.good || random.next() < 0.5) ? 1 : 0
    for (let left = random.between(2, 4); left > 0; left--) {
      const [member] = rest.splice(random.between(0, rest.length - 1), 1)
      const behaviour = left <= honest ? HONEST : anyBehaviour(bytes, random, member?.role ?? 'member')
      const isOld = random.next() < 1 / 2
      member?.play({ bytes, behaviour, vouches: vouches && !behaviour.stalls, isOld, isHeard })
    }
  }

  /** Lets the node hear of who has something now: those who have just met it tell some seconds later. */
  async #tell(): Promise<void> {
    const { clock, cast, known } = this.#components
    const telling = setInterval(() => clock.advance(1_000), 100)
    clock.advance(1_000)
    try {
      for (const { id, part, keys } of cast) if (part) await known(id, keys)
    } finally {
      clearInterval(telling)
    }
  }

  async #ask(random: Random, mood: Mood): Promise<void> {
    const over = new AbortController()
    const hurrying = this.#hurry(over.signal)
    const isPossible = mood.good || this.#components.cast.some(({ part }) => part?.behaviour.good)
    try {
      await Promise.all(Array.from({ length: random.between(1, 2) }, () => this.#client(random, isPossible)))
    } finally {
      over.abort()
      await hurrying
    }
  }

  /**
   * Asks as a client does. Where the bytes can be had, the first answer is whole and right, unless a seed lied: what it sends goes
   * out while it comes, so that the client is broken off, or refused, and right the next time.
   */
  async #client(random: Random, isPossible: boolean): Promise<void> {
    const start = random.next() < 0.3 ? random.between(0, this.#bytes.length - 1) : 0
    const { node, cast } = this.#components
    const isMisled = cast.some(({ role, part }) => role === 'seed' && part && isLie(part.behaviour))
    for (let chances = isMisled ? SEEDS : 0; ; chances--) {
      const reply = await exchange(
        node.npm.slice(0, -1) + this.#path,
        start > 0 ? { headers: { range: `bytes=${start}-` } } : {},
      )
      const { status, complete, body } = reply
      if (complete && (status === 200 || status === 206)) {
        const wanted = status === 206 ? this.#bytes.subarray(start) : this.#bytes
        expect([body.length, body.equals(wanted)]).toEqual([wanted.length, true])
        this.whole++
        this.#isRight = true
        return
      }
      const what = `${status} with ${body.length} bytes: ${status < 300 ? '' : body.toString()}`
      if (complete) {
        expect(reply.headers['content-type'], what).toBe('application/json')
        expect(JSON.parse(body.toString()), what).toEqual({ error: expect.any(String) })
      } else expect(body.length, what).toBeGreaterThan(0)
      if (!isPossible) {
        this.failed++
        return
      }
      expect(chances, what).toBeGreaterThan(0)
      this.broken++
      await storeAtRest(node)
    }
  }

  async #check(): Promise<void> {
    const { node, cast } = this.#components
    await storeAtRest(node)
    this.#checkStore()
    const peers = new Map((await node.peers()).map((peer) => [peer.id, peer]))
    for (const { id, part, deeds } of cast) {
      const reason = peers.get(id)?.quarantine?.reason
      const whose = `quarantine of who ${part?.behaviour.name}`
      if (!part || !isLie(part.behaviour)) expect(reason, whose).toBeUndefined()
      else if (deeds.some((deed) => deed.heard && this.#isProven(id, part, deed))) {
        expect(typeof reason, whose).toBe('string')
        expect(reason, whose).toMatch(/\w+ \w+/)
      }
    }
  }

  /** Whether it must have come out that what was sent is not the blob. */
  #isProven(id: string, { behaviour: { liesAt, short, cuts }, bytes }: Part, { start, sent }: Deed): boolean {
    // Once a seed has told a length, who tells another one is not even listened to.
    const others = this.#components.cast.filter((other) => other.id !== id && other.part)
    if ((short || liesAt === bytes.length) && others.some(({ role }) => role === 'seed')) return false
    if (short) return start === 0
    if (liesAt === undefined || liesAt < start || liesAt >= start + sent) return false
    // Who broke off can be told from who finished by a right copy only.
    return this.#isRight || (start === 0 && !cuts && sent >= bytes.length)
  }

  /** Every file that was kept since the last round is what its name says. */
  #checkStore(): void {
    const blobs = join(this.#components.node.data, 'store', 'blobs')
    for (const file of readdirSync(blobs, { recursive: true, withFileTypes: true })) {
      if (!file.isFile() || this.#checked.has(file.name)) continue
      this.#checked.add(file.name)
      const bytes = readFileSync(join(file.parentPath, file.name))
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(file.name)
    }
  }

  async #next(): Promise<void> {
    const { clock, cast, known } = this.#components
    clock.jump(NEXT_ROUND)
    for (const member of cast) if (await member.rest()) await known(member.id)
  }

  /** Lets time pass whenever nothing moves but time. */
  async #hurry(signal: AbortSignal): Promise<void> {
    const { upstream, clock, cast } = this.#components
    let before = ''
    for (let quiet = 0; !signal.aborted; quiet++) {
      await sleep(5)
      const { total, inFlight } = upstream.tally
      const now = [total.requests, total.bytes, inFlight, ...cast.map(({ activity }) => activity)].join()
      if (now !== before) quiet = 0
      before = now
      if (quiet >= (cast.some(({ stalls }) => stalls) ? 2 : 40)) clock.advance(250)
    }
  }

  #story(): string {
    const told = this.#components.cast.flatMap(({ role, part, deeds }) => {
      const answers = deeds.map(({ start, sent, heard }) => `${sent} bytes from ${start} on${heard ? ', heard' : ''}`)
      return part ? [`a ${role} ${part.behaviour.name} (${answers.join('; ')})`] : []
    })
    return told.join(', ')
  }
}

interface Mesh {
  readonly mesh: TestMesh
  readonly upstream: ScriptedUpstream
  /** Resolves once the node under test has the member among those whom it asks, and has heard of all that it has. */
  known(id: string, keys?: number): Promise<void>
}

/** A mesh whose only whole node is its seed, which is the one under test. */
async function meshBefore(temp: TempFolders, overrides: Overrides = {}): Promise<Mesh> {
  const upstream = await new ScriptedUpstream().start()
  onTestFinished(() => upstream.stop())
  const create = vi.spyOn(Host, 'create')
  onTestFinished(() => create.mockRestore())
  const mesh = await TestMesh.create(temp, { upstream: upstream.origin, overrides })
  const host = await (create.mock.results[0]?.value as Promise<Host> | undefined)
  const known = async (id: string, keys = 0) => {
    await eventually(
      'the node knows the new member',
      async () => {
        const there = (await mesh.seed.peers()).filter(({ connected }) => connected)
        const told = there.find((peer) => peer.id === id)?.inventory?.keys
        return told !== undefined && told >= keys && host?.libp2p.services.dht.routingTable.size === there.length
      },
      60_000,
    )
  }
  return { mesh, upstream, known }
}

function isLie({ liesAt, short, miscounts }: Behaviour): boolean {
  return liesAt !== undefined || short === true || miscounts === true
}

function moodOf(bytes: Buffer, random: Random): Mood {
  const good = serve(bytes, { etag: '"one"' })
  const at = random.between(0, bytes.length - 1)
  const moods: readonly Mood[] = [
    { name: 'is well', steps: [good], good: true },
    { name: 'cuts once', steps: [spoil(good, cutAfter(at)), good], good: true },
    {
      name: 'cuts once and knows no Range',
      steps: [spoil(good, cutAfter(at), rangeless()), spoil(good, rangeless())],
      good: true,
    },
    { name: 'says 404', steps: [answer(404, '{}')], good: false },
    { name: 'says 403', steps: [answer(403, '{}')], good: false },
    { name: 'says 503', steps: [answer(503, 'later')], good: false },
    { name: 'hangs up', steps: [spoil(good, hangUp())], good: false },
  ]
  return moods[random.between(0, moods.length - 1)] as Mood
}

function manifestOf(name: string, tarball: string, bytes: Buffer) {
  const integrity = `sha512-${createHash('sha512').update(bytes).digest('base64')}`
  return { name, version: '1.0.0', dist: { integrity, tarball } }
}

describe('a node among members that misbehave', () => {
  const temp = useTempFolders()

  it(`gets the right whole file in each of ${ROUNDS} rounds`, { timeout: 600_000 }, async () => {
    const clock = new HastyClock()
    const { mesh, upstream, known } = await meshBefore(temp, { clock })
    const members = new Members(temp, { ticket: ({ role = 'member' }) => mesh.ticket({ role, notAfter: FAR }) })
    onTestFinished(() => members.close())
    const roles = ['member', 'member', 'member', ...Array.from({ length: SEEDS }, () => 'seed' as const)] as const
    const cast = roles.map((role) => new BadMember({ members, clock }, { role }))
    for (const member of cast) {
      await member.join()
      await known(member.id)
    }
    const rounds = new Rounds({ node: mesh.seed, upstream, clock, cast, known })
    for (let round = 0; round < ROUNDS; round++) await rounds.run(FIRST_SEED + round)
    expect(rounds.whole).toBeGreaterThan(rounds.broken + rounds.failed)
  })

  it('gets the right whole file when a member is killed amid its answer, from upstream or from another member', async () => {
    const clock = new HastyClock()
    const { mesh, upstream, known } = await meshBefore(temp, { clock })
    const members = new Members(temp, { ticket: ({ role = 'member' }) => mesh.ticket({ role, notAfter: FAR }) })
    onTestFinished(() => members.close())
    const other = await members.join({ mesh: { dht: 'server' } })
    for (const [seed, size, sends] of DEATHS) {
      const bytes = new Random(seed).bytes(size)
      const name = `thing${seed}`
      const path = `/${name}/-/${name}-1.0.0.tgz`
      const fromUpstream = seed % 2 === 0
      upstream.on(`/${name}/1.0.0`, json(manifestOf(name, upstream.origin + path, bytes)))
      upstream.on(path, fromUpstream ? serve(bytes) : answer(503, 'later'))
      const child = spawn(process.execPath, [
        CHILD,
        temp.create('dying'),
        mesh.ticket({ notAfter: FAR }),
        ...[seed, size, sends].map(String),
      ])
      const [line] = (await once(child.stdout, 'data')) as [Buffer]
      const id = line.toString().trim()
      await known(id, 2)
      const died = once(child, 'exit')
      if (!fromUpstream) void died.then(() => other.shelf.hold(bytes))
      const reply = await exchange(mesh.seed.npm.slice(0, -1) + path)
      expect([reply.status, reply.complete, reply.body.equals(bytes)]).toEqual([200, true, true])
      expect(await died).toEqual([null, 'SIGKILL'])
      await storeAtRest(mesh.seed)
      expect((await mesh.seed.peers()).map(({ quarantine }) => quarantine).filter(Boolean)).toEqual([])
      if (fromUpstream) expect(upstream.tally.log.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/)
      // An upstream that has failed is left alone for a while, and has to tell what the next one is.
      clock.jump(NEXT_ROUND)
    }
  })
})
