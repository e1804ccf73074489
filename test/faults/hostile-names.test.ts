import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { LEDGER_FILE } from '../../node/ledger/ledger.ts'
import { signOp } from '../../node/ledger/op.ts'
import { ARTIFACT_PATH, keyInPath } from '../../node/mesh/artifacts/artifact-wire.ts'
import { TAKEN } from '../../node/mesh/ledger/messages.ts'
import { RECORDS_PATH } from '../../node/pins/messages.ts'
import { toBase64url } from '../../node/trust/base64url.ts'
import { issueMemberCertificate, issueSeedCertificate, issueTicketCertificate } from '../../node/trust/certificates.ts'
import { generateKey, keyFromSeed } from '../../node/trust/keys.ts'
import { MeshFolder } from '../../node/trust/mesh-folder.ts'
import { decodeTicket, ticketFacts } from '../../node/trust/ticket.ts'
import { json } from '../harness/answer.ts'
import { type HostileMember, LONG } from '../harness/hostile-member.ts'
import { get } from '../harness/http.ts'
import { keepLogs } from '../harness/kept-logs.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import type { MemberProcess } from '../harness/member-process.ts'
import { Random } from '../harness/random.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { asMember, cardOf, Stranger } from '../node/mesh/stranger.ts'
import { HostileMesh } from './hostile-mesh.ts'

const TIMEOUT_MS = 300_000
/** Names about which somebody is misled. */
const MISLED = 3
const DAY = 24 * 60 * 60_000
/** What no registry has. */
const EVIL = new Random(81).bytes(30_000)

useLeakCheck()
const temp = useTempFolders('file')

let all: HostileMesh
beforeAll(async () => {
  all = await HostileMesh.start(temp, { registries: { npm: { packages: 120, bytes: [2_000, 4_000], seed: 82 } } })
}, TIMEOUT_MS)
afterAll(() => all?.[Symbol.asyncDispose]())

const hashOf = (algorithm: string, bytes: Buffer, encoding: 'hex' | 'base64' = 'hex') =>
  createHash(algorithm).update(bytes).digest(encoding)

/** The ops that a node keeps. */
function ledgerOf({ data }: MemberProcess): readonly string[] {
  const file = join(new MeshFolder(data).path, LEDGER_FILE)
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).sort() : []
}

/** All by which somebody else could be led to another thing: who is what, what was changed, and what the mirrors are. */
async function factsOf(node: MemberProcess) {
  const honest = new Set(all.honest.map(({ peer }) => peer))
  const peers = (await node.peers()).filter(({ id }) => honest.has(id))
  const known = peers.map(({ id, role, ticket, notAfter }) => [id, { role, ticket, notAfter }])
  const { mirrors, mesh } = await node.status()
  return {
    ledger: ledgerOf(node),
    membership: new MeshFolder(node.data).membership(),
    peers: Object.fromEntries(known),
    mirrors,
    own: [mesh.role, mesh.notAfter, mesh.trouble],
  }
}

const allFacts = () => Promise.all(all.honest.map(factsOf))

/** A packument that says that a package is something else. */
function forgedDocument(name: string) {
  const dist = { integrity: `sha512-${hashOf('sha512', EVIL, 'base64')}`, tarball: `http://127.0.0.1:1/${name}/-/evil.tgz` }
  return { name, 'dist-tags': { latest: '1.0.0' }, versions: { '1.0.0': { name, version: '1.0.0', dist } } }
}

const isForged = (document: Buffer) => document.includes(hashOf('sha512', EVIL, 'base64'))

/** Answers whoever takes it for a seed. */
function asSeed(path: string) {
  const name = /\n\/?(part-\d+)\n/.exec(keyInPath(path) ?? '')?.[1]
  return name === undefined ? undefined : json(forgedDocument(name))
}

const dataOf = async (node: MemberProcess, path: string) => (await get(node.url + path)).body

describe('a member that says what names are', () => {
  it('is asked by nobody but who chose to believe members, and pins of a member are taken by no seed', {
    timeout: TIMEOUT_MS,
  }, async () => {
    keepLogs(() => all.mesh.members)
    const before = await allFacts()
    const liar = await all.attacker({ lie: asSeed })
    liar.claim(EVIL)
    // Such a node asks whoever is first for a key, so that the lie is heard there.
    const credulous = await all.mesh.join({ config: { mesh: { names: 'members' } } })
    onTestFinished(() => credulous.stop())
    await eventually('it knows the liar', async () => (await credulous.peers()).some(({ id }) => id === liar.id), LONG)
    const misled = []
    for (const one of all.packages('npm')) {
      if (one.name.startsWith('@')) continue
      const { seeds } = await credulous.explain(`/npm/${one.name}`)
      if (seeds[0] !== liar.id) continue
      expect(isForged(await dataOf(credulous, `/npm/${one.name}`)), one.name).toBe(true)
      misled.push(one)
      if (misled.length === MISLED) break
    }
    expect(misled.length).toBeGreaterThan(0)
    for (const node of all.honest) for (const one of misled) await all.install(node, 'npm', one)
    for (const node of all.honest) expect(liar.askedBy(node.peer, ARTIFACT_PATH), node.name).toEqual([])

    const [known] = misled
    if (!known) throw new Error('nobody was misled')
    const name = (await credulous.explain(`/npm${known.tarball}`)).name ?? ''
    const now = Date.now()
    const record = {
      v: 1,
      blob: hashOf('sha256', EVIL),
      size: EVIL.length,
      headers: {},
      fetchedAt: now + DAY,
      checkedAt: now + DAY,
      freshFor: null,
      verified: [`sha512:${hashOf('sha512', EVIL)}`],
    }
    const pins = (keys: readonly string[]) => {
      const body = Buffer.from(JSON.stringify({ v: 1, pins: keys.map((key) => ({ key, record })) }))
      const headers = { 'content-type': 'application/json', 'content-length': String(body.length) }
      return { method: 'POST', path: RECORDS_PATH, headers, body } as const
    }
    for (const node of all.honest) {
      const { status, body } = await liar.ask(node, pins([name]))
      expect([status, body.toString()], node.name).toEqual([403, expect.stringMatching(/names are believed from seeds only/)])
    }
    // In the mouth of a seed it counts: of a name that nobody has, so that nobody is misled.
    const nobodys = name.replaceAll(known.name, 'nobodys')
    const seed = await all.attacker({ role: 'seed' })
    seed.claim(EVIL)
    const [first] = all.seeds
    if (!first) throw new Error('there is no seed')
    await eventually(
      'a seed takes it of a seed',
      async () => {
        const { status, body } = await seed.ask(first, pins([nobodys]))
        return status === 200 && JSON.parse(body.toString()).outcomes[0].state === 'held'
      },
      LONG,
    )
    const [path] = known.tarball.split(known.name, 1)
    expect((await dataOf(first, `/npm${path}nobodys/-/nobodys-1.0.0.tgz`)).equals(EVIL)).toBe(true)

    for (const node of all.honest) await all.install(node, 'npm', known)
    expect(await allFacts()).toEqual(before)
    await all.blamesNobodyHonest()
  })

  it('gets in nowhere by certificates that it made, altered or saw', { timeout: TIMEOUT_MS }, async () => {
    keepLogs(() => all.mesh.members)
    const before = await allFacts()
    const liar = await all.attacker()
    for (const node of all.honest) {
      for (const [what, chain] of forgedChains(liar, all.seeds)) {
        expect([what, ...(await bothPlanes(liar, node, chain))], node.name).toEqual([what, false, false])
      }
      expect(await bothPlanes(liar, node, liar.membership.chain), node.name).toEqual([true, true])
      const { role } = (await node.peers()).find(({ id }) => id === liar.id) ?? {}
      expect(role).toBe('member')
    }
    expect(await allFacts()).toEqual(before)
  })

  it('changes nothing by ops that it signed, altered or recorded, and is left alone with the reason', {
    timeout: TIMEOUT_MS,
  }, async () => {
    keepLogs(() => all.mesh.members)
    const { mesh: meshId } = ticketFacts(decodeTicket(await all.mesh.ticket()))
    const fields = { mesh: meshId, seq: 1, prev: null, lamport: 1, issuedAt: Date.now() }
    const liar = await all.attacker()
    // What the admin signed counts, whoever brings it.
    const op = signOp({ ...fields, type: 'ticket.revoke', body: { ticket: 'a'.repeat(16) } }, all.mesh.adminKey)
    const [one] = all.honest
    if (!one) throw new Error('there is nobody')
    await liar.say(one, TAKEN, { ask: 'take', ops: [op.text] })
    for (const node of all.honest) await eventually(`${node.name} knows`, () => ledgerOf(node).includes(op.text), LONG)
    const before = await allFacts()

    const own = generateKey()
    const now = Date.now()
    const certificate = issueSeedCertificate({ mesh: meshId, peer: liar.id, issuedAt: now, notAfter: now + DAY }, own)
    const peer = all.seeds[0]?.peer ?? ''
    const forged = [
      signOp({ ...fields, type: 'seed.certify', body: { certificate } }, own).text,
      signOp({ ...fields, type: 'seed.revoke', body: { peer } }, own).text,
      altered(op.text, { body: { ticket: ticketFacts(decodeTicket(await all.mesh.ticket())).id } }),
      altered(op.text, { type: 'seed.revoke', body: { peer } }),
      signOp({ ...fields, mesh: '0'.repeat(16), type: 'ticket.revoke', body: { ticket: 'b'.repeat(16) } }, all.mesh.adminKey)
        .text,
    ]
    for (const [at, node] of all.honest.entries()) {
      // What was told once may be told again.
      await liar.say(node, TAKEN, { ask: 'take', ops: [op.text] })
      expect(await all.reason(node, liar)).toBe(undefined)
      await liar.say(node, TAKEN, { ask: 'take', ops: [op.text, forged[at] ?? ''] })
      const reason = await eventually('it is left alone', () => all.reason(node, liar), LONG)
      expect(reason).toMatch(/^it sent what is no op of this mesh: the op is not accepted: \w+/)
    }
    expect(await allFacts()).toEqual(before)
    await all.blamesNobodyHonest()
  })

  it('reaches nothing of what is for the owner of a node', { timeout: TIMEOUT_MS }, async () => {
    keepLogs(() => all.mesh.members)
    const before = await allFacts()
    const liar = await all.attacker()
    for (const node of all.honest) {
      for (const path of ['/admin/v1/peers', '/metrics', '/npm/part-0']) {
        for (const method of ['GET', 'POST'] as const) {
          const { status } = await liar.ask(node, { method, path })
          expect([404, 405], `${method} ${path} at ${node.name}`).toContain(status)
        }
      }
    }
    expect(await allFacts()).toEqual(before)
  })
})

/** Whether somebody who shows these certificates gets in: on the data plane, and over libp2p. */
async function bothPlanes(liar: HostileMember, node: MemberProcess, chain: readonly string[]): Promise<[boolean, boolean]> {
  const { key, membership } = liar
  const card = cardOf(key, { ...membership, chain }, Date.now())
  await using stranger = await Stranger.open({ secret: membership.secret, key, script: asMember(card) })
  const [address = ''] = (await node.status()).mesh.listen
  return [await liar.getsIn(node, chain), await stranger.knock(address)]
}

/** What would make a seed of a member, if signatures were not looked at. */
function forgedChains(liar: HostileMember, seeds: readonly MemberProcess[]): readonly [string, readonly string[]][] {
  const { certificate, key } = decodeTicket(liar.ticket)
  const { mesh, id, notAfter } = ticketFacts(decodeTicket(liar.ticket))
  const own = generateKey()
  const ticketKey = keyFromSeed(Buffer.from(key, 'base64url'))
  const now = Date.now()
  const seed = { mesh, peer: liar.id, issuedAt: now, notAfter: now + DAY }
  const member = issueMemberCertificate({ mesh, ticket: id, peer: liar.id, issuedAt: now }, ticketKey)
  const ticket = { mesh, id, key: ticketKey.publicKey, role: 'seed', issuedAt: now, notAfter } as const
  return [
    ['a seed certificate by a key of its own', [issueSeedCertificate(seed, own)]],
    ['a seed certificate by the key of its ticket', [issueSeedCertificate(seed, ticketKey)]],
    ['a ticket for seeds by a key of its own', [issueTicketCertificate(ticket, own), member]],
    ['its ticket, made one for seeds', [altered(certificate, { role: 'seed' }), member]],
    ['its ticket, made to last', [altered(certificate, { notAfter: now + 3650 * DAY }), member]],
    ['its own certificate alone', [member]],
    // Everybody sees it who connects to that seed.
    ['those of a seed', [...(new MeshFolder(seeds[0]?.data ?? '').membership()?.chain ?? [])]],
  ]
}

/** A signed statement with other fields, under the signature that it has. */
function altered(text: string, fields: Readonly<Record<string, unknown>>): string {
  const [payload = '', signature] = text.split('.')
  const said = JSON.parse(Buffer.from(payload, 'base64url').toString())
  return `${toBase64url(JSON.stringify({ ...said, ...fields }))}.${signature}`
}
