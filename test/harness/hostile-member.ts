import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { vi } from 'vitest'
import { readAll } from '../../node/body.ts'
import { systemClock } from '../../node/clock.ts'
import { type Digest, formatDigest } from '../../node/digest.ts'
import { LedgerState } from '../../node/ledger/state.ts'
import { BATCH_PATH, type Refused } from '../../node/mesh/blobs/batch-wire.ts'
import { BlobClient, collect, type MemberRequest } from '../../node/mesh/blobs/blob-client.ts'
import { BLOB_PATH } from '../../node/mesh/blobs/constants.ts'
import type { Dialled } from '../../node/mesh/blobs/dial.ts'
import { identityCertificate } from '../../node/mesh/blobs/identity-certificate.ts'
import { Host } from '../../node/mesh/host/host.ts'
import { answerWith, ask, type Question } from '../../node/mesh/host/question.ts'
import { MemberGate } from '../../node/mesh/member-gate.ts'
import type { Membership } from '../../node/trust/membership.ts'
import { loadNodeKey, type NodeKey } from '../../node/trust/node-key.ts'
import type { Answer } from './answer.ts'
import { batchOf, pathOf, toldBy, wishesOf } from './batch-answer.ts'
import type { MemberProcess } from './member-process.ts'
import { type Member, Members } from './members.ts'
import { MemoryShelf } from './memory-shelf.ts'
import { present } from './present.ts'
import { send } from './send.ts'
import type { TempFolders } from './temp.ts'
import { eventually } from './wait.ts'

/** Bytes of an answer that are kept: more than any artifact of a test. */
const MOST_BYTES = 256 << 20
/** Ms that something may take that is only late on a busy machine. */
export const LONG = 120_000
const NEVER = new AbortController().signal
const VERSION = '0.0.0-hostile'

/** What somebody asked for, and what went out in the place of an honest answer. */
export interface Deed {
  /** Who asked. */
  readonly peer: string
  readonly path: string
  /** Bytes of body that were sent. */
  sent: number
}

/** The answer to one request; undefined for what an honest member says. */
type Lie = (path: string, peer: string) => Answer | undefined

/** The answer to a question over libp2p. */
type Lies = (asked: Record<string, unknown>) => object

export interface HostileMemberInit {
  readonly ticket: string
  readonly lie?: Lie
  /** Protocols of libp2p that it does not answer. */
  readonly deafTo?: readonly string[]
}

/** What came back of a request over the data plane. */
export interface Heard {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/**
 * A member whose node was patched: it joined by a real ticket, has a real identity and speaks over the real planes, and answers, asks and
 * tells whatever a test wants.
 */
export class HostileMember implements AsyncDisposable {
  readonly member: Member
  readonly membership: Membership
  /** What it joined by. */
  readonly ticket: string
  readonly deeds: readonly Deed[]
  readonly #host: Host
  readonly #deaf: Set<string>
  readonly #client: BlobClient

  private constructor(
    { member, host, client }: { readonly member: Member; readonly host: Host; readonly client: BlobClient },
    { ticket, deeds, deaf }: { readonly ticket: string; readonly deeds: readonly Deed[]; readonly deaf: Set<string> },
  ) {
    this.member = member
    this.ticket = ticket
    this.membership = member.mesh.membership
    this.deeds = deeds
    this.#deaf = deaf
    this.#host = host
    this.#client = client
  }

  static async join(folders: TempFolders, { ticket, lie, deafTo = [] }: HostileMemberInit): Promise<HostileMember> {
    const deeds: Deed[] = []
    const shelf = new MemoryShelf()
    const deaf = new Set(deafTo)
    const answer = (request: IncomingMessage, response: ServerResponse, { peer }: { peer: string }, honest: () => void) => {
      const { url: path = '' } = request
      if (lie && path === BATCH_PATH) return void tellMany(request, response, { lie, peer, deeds, shelf })
      const deed = { peer, path, sent: 0 }
      deeds.push(deed)
      const told = lie?.(path, peer)
      if (told) void tell(request, response, told, deed)
      else honest()
    }
    const create = Host.create
    let host: Host | undefined
    const patch = vi.spyOn(Host, 'create').mockImplementation(async (...given) => {
      host = await create.apply(Host, given)
      const { libp2p } = host
      const handle = libp2p.handle.bind(libp2p)
      libp2p.handle = async (protocol, ...how) => {
        if (![protocol].flat().some((one) => deaf.has(one))) await handle(protocol, ...how)
      }
      return host
    })
    try {
      // So that it is asked by whoever looks something up.
      const member = await new Members(folders).join({ ticket, mesh: { dht: 'server' }, answer, shelf })
      if (!host) throw new Error('it has no host')
      const client = await clientOf(member, member.mesh.membership)
      return new HostileMember({ member, host, client }, { ticket, deeds, deaf })
    } finally {
      patch.mockRestore()
    }
  }

  /** Peer id. */
  get id(): string {
    return this.member.id
  }

  get key(): NodeKey {
    return loadNodeKey(this.member.data)
  }

  /** Says that it has these bytes. */
  claim(bytes: Buffer): void {
    this.member.shelf.hold(bytes)
  }

  /** What was asked of it by a member, by the beginning of the path. */
  askedBy(peer: string, path: string): readonly Deed[] {
    return this.deeds.filter((deed) => deed.peer === peer && deed.path.startsWith(path))
  }

  /** Resolves once the members know all that it claims. */
  async isKnownTo(all: readonly MemberProcess[]): Promise<void> {
    for (const one of all) {
      await eventually(
        `${one.name} knows what it claims`,
        async () => {
          const { inventory } = (await one.peers()).find(({ id }) => id === this.id) ?? {}
          return (inventory?.keys ?? 0) >= this.member.shelf.size
        },
        LONG,
      )
    }
  }

  /** Connects with all of them; an honest node looks for three others, and for further ones at leisure. */
  async meets(all: readonly MemberProcess[]): Promise<void> {
    for (const one of all) {
      const [address = ''] = (await one.status()).mesh.listen
      await eventually(`it is connected with ${one.name}`, () => this.#meets(one.peer, address), LONG)
    }
  }

  /** Sends a request over the data plane. Rejects where nobody answers. */
  async ask(to: MemberProcess, asked: MemberRequest, signal: AbortSignal = NEVER): Promise<Heard> {
    const { status, headers, body } = await this.#client.request(await placeOf(to), asked, signal)
    return { status, headers, body: await collect(body, MOST_BYTES) }
  }

  /** As `ask`, but that it hangs up as soon as the answer begins. */
  async askAndLeave(to: MemberProcess, asked: MemberRequest): Promise<number> {
    const { status, body } = await this.#client.request(await placeOf(to), asked, NEVER)
    body.destroy()
    return status
  }

  /** What it has under a digest, in the hands of somebody who does not check it: positive control of a lie. */
  async taken(by: HostileMember, digest: Digest): Promise<Buffer> {
    const place = { id: this.id, addresses: [this.member.mesh.status().blobs ?? ''] }
    const { body } = await by.#client.request(place, { method: 'GET', path: BLOB_PATH + formatDigest(digest) }, NEVER)
    return collect(body, MOST_BYTES)
  }

  /** Whether a member lets somebody in on the data plane who is this one by its key and shows these certificates. */
  async getsIn(to: MemberProcess, chain: readonly string[]): Promise<boolean> {
    const client = await clientOf(this.member, { ...this.membership, chain })
    try {
      return await client.reach(await placeOf(to), NEVER).then(
        () => true,
        () => false,
      )
    } finally {
      await client.close()
    }
  }

  /** Asks over libp2p; one question at a time is answered. */
  async say<Reply>(to: MemberProcess, question: Question<Reply>, details: Record<string, unknown>): Promise<Reply> {
    const told = () => ask(this.connection(to), question, NEVER, details).catch(() => undefined)
    return eventually(`${to.name} answers`, told, LONG)
  }

  /** What members are told that ask it something over libp2p to which its node was made deaf. */
  async answers(question: Pick<Question<object>, 'protocol' | 'limit' | 'maxAskedBytes'>, answer: Lies): Promise<void> {
    this.#deaf.delete(question.protocol)
    await answerWith(this.#host.libp2p, question, (_peer, _signal, asked) => answer(JSON.parse(asked)))
  }

  connection({ peer }: MemberProcess): Connection {
    const [connection] = this.#connections(peer)
    if (!connection) throw new Error('it is not connected')
    return connection
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.close()
    await this.member.mesh.close()
  }

  async #meets(peer: string, address: string): Promise<boolean> {
    if (this.#connections(peer).length > 0) return true
    await this.#host.dial(address, NEVER).catch(() => {})
    return false
  }

  #connections(peer: string): Connection[] {
    return this.#host.libp2p.getConnections(peerIdFromString(peer))
  }
}

async function tell(request: IncomingMessage, response: ServerResponse, answer: Answer, deed: Deed): Promise<void> {
  const left = new AbortController()
  response.once('close', () => left.abort(new Error('left')))
  const sent = (bytes: number) => {
    deed.sent += bytes
  }
  const ready = present(answer, request.method, request.headers)
  // Whoever sees the lie leaves first.
  await send(request, response, ready, { clock: systemClock, buckets: [], sent, signal: left.signal }).catch(() => {})
}

/** Who asks for many small blobs at a time is told the same lies. */
async function tellMany(
  request: IncomingMessage,
  response: ServerResponse,
  { lie, peer, deeds, shelf }: { lie: Lie; peer: string; deeds: Deed[]; shelf: MemoryShelf },
): Promise<void> {
  const told = new Map<Digest, Buffer | Refused>()
  for (const digest of await wishesOf(request)) {
    const path = pathOf(digest)
    const answer = lie(path, peer)
    const body = shelf.open(digest)
    const given = answer ? await toldBy(answer) : body ? await readAll(body) : 'lacking'
    deeds.push({ peer, path, sent: Buffer.isBuffer(given) ? given.length : 0 })
    told.set(digest, given)
  }
  response.end(batchOf([...told.keys()], (digest) => told.get(digest) ?? 'lacking'))
}

async function clientOf({ id, data }: Member, membership: Membership): Promise<BlobClient> {
  const clock = systemClock
  const gate = new MemberGate({ clock, state: new LedgerState(membership) }, { membership, self: id, version: VERSION })
  return new BlobClient({ gate, identity: await identityCertificate(loadNodeKey(data)), clock, onBytes: () => {} })
}

async function placeOf(member: MemberProcess): Promise<Dialled> {
  const { blobs } = (await member.status()).mesh
  return { id: member.peer, addresses: blobs === null ? [] : [blobs] }
}
