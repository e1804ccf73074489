import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Clock } from '../../node/clock.ts'
import { ARTIFACT_PATH } from '../../node/mesh/artifacts/artifact-wire.ts'
import { BATCH_PATH } from '../../node/mesh/blobs/batch-wire.ts'
import { BLOB_PATH } from '../../node/mesh/blobs/constants.ts'
import type { Role } from '../../node/trust/standing.ts'
import { type Answer, serve } from './answer.ts'
import type { Behaviour } from './bad-answers.ts'
import { batchOf, toldBy, wishesOf } from './batch-answer.ts'
import { spoil } from './fault.ts'
import type { Member, Members } from './members.ts'
import { present } from './present.ts'
import { send } from './send.ts'

/** One answer of a member. */
export interface Deed {
  /** First byte that was asked for. */
  readonly start: number
  sent: number
  /** Whether all that was to be sent was sent, and `isHeard` said so. */
  heard: boolean
}

/** A part in one round. */
export interface Part {
  readonly bytes: Buffer
  readonly behaviour: Behaviour
  /** Whether it does so, too, when it is asked as a seed for what upstream has; else it is too busy for that. */
  readonly vouches: boolean
  /** Whether it is too old a version to be asked for many small ones at a time. */
  readonly isOld: boolean
  /** Asked at the end of an answer: whether it is certain that the other side took it. */
  isHeard(): boolean
}

export interface BadMemberComponents {
  readonly members: Members
  /** Its own, which tells also how fast it drips. */
  readonly clock: Clock
}

/** A member of a mesh that answers as its part in a round says, and joins anew when the part was to die. */
export class BadMember {
  readonly role: Role
  readonly #components: BadMemberComponents
  readonly #answering = new Set<ServerResponse>()
  #member: Member | undefined
  #moved = 0
  #stalling = 0
  #isDead = false
  part: Part | undefined
  deeds: Deed[] = []
  /** How often it was asked as a seed and answered, in this round. */
  fetched = 0

  constructor(components: BadMemberComponents, init: { role: Role }) {
    this.#components = components
    this.role = init.role
  }

  /** Peer id. */
  get id(): string {
    return this.#joined.id
  }

  /** Digests by which it can be asked for something. */
  get keys(): number {
    return this.#joined.shelf.size
  }

  /** Whether it keeps somebody waiting. */
  get stalls(): boolean {
    return this.#stalling > 0
  }

  /** Changes whenever anything moves but time. */
  get activity(): string {
    return [this.#moved, this.#stalling, ...[...this.#answering].map(({ socket }) => socket?.bytesWritten)].join(' ')
  }

  async join(): Promise<void> {
    this.#member = await this.#components.members.join({
      role: this.role,
      clock: this.#components.clock,
      // So that it is found as soon as it has something.
      mesh: { dht: 'server' },
      answer: (request, response, _member, honest) => void this.#answer(request, response, honest),
    })
  }

  play(part: Part): void {
    this.part = part
    this.#joined.shelf.hold(part.bytes)
  }

  /** The round is over. Resolves with whether it had to join anew. */
  async rest(): Promise<boolean> {
    this.part = undefined
    this.deeds = []
    this.fetched = 0
    if (!this.#isDead) return false
    this.#isDead = false
    await this.#joined.mesh.close()
    await this.join()
    return true
  }

  get #joined(): Member {
    if (!this.#member) throw new Error('it has not joined yet')
    return this.#member
  }

  async #answer(request: IncomingMessage, response: ServerResponse, honest: () => void): Promise<void> {
    const { url = '' } = request
    if (url === BATCH_PATH) return this.#answerMany(request, response, honest)
    // A seed's word about chunks counts like its word about names: there is nothing by which it could be judged.
    if (!url.startsWith(BLOB_PATH) && !url.startsWith(ARTIFACT_PATH)) return honest()
    this.#moved++
    if (url.startsWith(ARTIFACT_PATH)) {
      if (!this.part?.vouches || this.part.behaviour.good) {
        response.writeHead(503, { 'x-warren-error': 'NODE_BUSY', 'content-length': '0' }).end()
        return
      }
      this.fetched++
    }
    const deed: Deed = { start: Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0), sent: 0, heard: false }
    this.deeds.push(deed)
    if (!this.part || this.part.behaviour.good) return this.#beHonest(response, honest)
    const { bytes, behaviour } = this.part
    const ready = present(spoil(serve(bytes), ...behaviour.faults), request.method, request.headers)
    const told = behaviour.partly && ready.status === 206 ? behaviour.partly(ready) : ready
    return this.#misbehave(this.part, deed, told, request, response)
  }

  /** It says of each what it would say of one alone, and what it does amid that it does amid all of them. */
  async #answerMany(request: IncomingMessage, response: ServerResponse, honest: () => void): Promise<void> {
    this.#moved++
    if (this.part?.isOld) {
      response.writeHead(404, { 'content-length': '0' }).end()
      return
    }
    if (!this.part || this.part.behaviour.good) return this.#beHonest(response, honest)
    const { part } = this
    const alone = spoil(serve(part.bytes), ...part.behaviour.faults)
    const told = await toldBy(alone)
    const many = serve(batchOf(await wishesOf(request), () => told))
    const { declaredLength: _ofOne, ...trouble } = alone.trouble
    const answer = alone.status === 200 ? { ...many, framing: alone.framing, trouble } : alone
    await this.#misbehave(part, { start: 0, sent: 0, heard: false }, answer, request, response)
  }

  #beHonest(response: ServerResponse, honest: () => void): void {
    this.#answering.add(response)
    response.once('close', () => this.#answering.delete(response))
    honest()
  }

  async #misbehave(
    { behaviour, isHeard }: Part,
    deed: Deed,
    told: Answer,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { stalls, dies } = behaviour
    const left = new AbortController()
    response.once('close', () => {
      // Who goes silent was heard by the time that nobody waits any more.
      if (stalls) deed.heard = isHeard()
      left.abort(new Error('left'))
    })
    const sent = (more: number) => {
      deed.sent += more
      if (!stalls) this.#moved += more
    }
    if (stalls) this.#stalling++
    try {
      await send(request, response, told, { clock: this.#components.clock, buckets: [], sent, signal: left.signal })
      deed.heard = isHeard()
    } catch {
      // The other side left first.
    } finally {
      if (stalls) this.#stalling--
      this.#moved++
      this.#isDead = dies === true
      if (dies) void this.#joined.mesh.close()
    }
  }
}
