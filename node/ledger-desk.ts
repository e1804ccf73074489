import type { Clock } from './clock.ts'
import { WarrenError } from './errors.ts'
import { type Effect, effectOf, isKnownType } from './ledger/effect.ts'
import { type Op, signOp } from './ledger/op.ts'
import { mistakeIn } from './ledger-check.ts'
import type { MeshLedger } from './mesh/mesh-ledger.ts'
import type { PeerStatus } from './mesh/mesh-status.ts'
import type { SigningKey } from './trust/keys.ts'

export interface LedgerDeskComponents {
  readonly clock: Clock
  /** Undefined while the node runs alone. */
  mesh(): MeshLedger | undefined
  peers(): readonly PeerStatus[]
  /** The admin key, where it is on this node. Throws MESH_UNREADABLE or SECRET_EXPOSED. */
  adminKey(): SigningKey | undefined
}

/** An op and what has become of it. Times in ms since the epoch. */
export interface OpStanding {
  readonly op: Op
  readonly effect: Effect | undefined
  readonly inEffect: boolean
  /** Its author was revoked. */
  readonly isVoid: boolean
  /** Peer ids of those who have put it into effect; undefined for one of long ago. */
  readonly appliedBy: readonly string[] | undefined
  /** What a purge has freed at nodes where it has ended; empty for other ops. */
  readonly freed: readonly { readonly peer: string; readonly blobs: number; readonly bytes: number }[]
  /** Members that were seen within a day and have not. */
  readonly missing: readonly { readonly peer: string; readonly connected: boolean; readonly lastSeen: number }[]
}

/** How far members are behind the ledger. */
export interface Lag {
  /** Members that are connected, or were seen within a day, and have not put all ops into effect. */
  readonly connected: number
  readonly away: number
  /** Since the oldest op was issued that somebody connected lacks; 0 where nobody does. */
  readonly ms: number
}

/** Ms by which the clock of whoever issues an op may differ from the median of the mesh. */
const CLOCK_TOLERANCE = 5 * 60_000
/** Ms since it was seen last after which a member is not waited for. */
const SEEN = 24 * 60 * 60_000

/** Where changes of a mesh are handed in, and looked up, at one node. */
export class LedgerDesk {
  readonly #components: LedgerDeskComponents

  constructor(components: LedgerDeskComponents) {
    this.#components = components
  }

  /** Ops that are known, the newest first, from behind one on; and whether there are more. Throws NO_SUCH_OP where that is not kept any more. */
  page(behind: string | undefined, most: number): { readonly ops: readonly OpStanding[]; readonly more: boolean } {
    const mesh = this.#mesh
    mesh.gather()
    const all = [...mesh.ledger.all()].reverse()
    const start = behind === undefined ? 0 : all.findIndex(({ hash }) => hash === behind) + 1
    // Whoever goes on from page to page would begin anew, and maybe for ever.
    if (behind !== undefined && start === 0) throw new WarrenError('NO_SUCH_OP', `no op ${behind} is known here any more`)
    const members = this.#members()
    const ops = all.slice(start, start + most).map((op) => this.#standing(op, members))
    return { ops, more: start + most < all.length }
  }

  /** What the ledger as a whole is. */
  about() {
    const { ledger, isConfirmed } = this.#mesh
    return { ...ledger.scope, ...ledger.summary, confirmed: isConfirmed }
  }

  /**
   * How far members are behind: by state the number of those who have not put into effect what they should have, and ms since the
   * oldest op was issued that somebody connected lacks. Undefined in no mesh.
   */
  lag(): Lag | undefined {
    const mesh = this.#components.mesh()
    if (!mesh) return undefined
    mesh.gather()
    const seen = this.#members()
    const late = mesh.ledger.live().flatMap((op) => {
      const missing = this.#missing(op, mesh.appliedBy(op.hash), seen)
      return missing.length > 0 ? [{ op, missing }] : []
    })
    const members = new Map(late.flatMap(({ missing }) => missing.map(({ peer, connected }) => [peer, connected])))
    const connected = [...members.values()].filter((is) => is).length
    const oldest = late.find(({ missing }) => missing.some((one) => one.connected))
    const ms = oldest ? Math.max(0, this.#components.clock.now() - oldest.op.issuedAt) : 0
    return { connected, away: members.size - connected, ms }
  }

  /** Throws NO_SUCH_OP. */
  one(hash: string): OpStanding {
    const mesh = this.#mesh
    mesh.gather()
    const op = mesh.ledger.all().find((known) => known.hash === hash)
    if (op) return this.#standing(op)
    throw new WarrenError('NO_SUCH_OP', `no op ${hash} is known here`)
  }

  /** What an op that `author`, a public key, signs next has to say besides what it changes. */
  positionOf(author: string) {
    const { ledger } = this.#mesh
    return { ...ledger.scope, ...ledger.positionOf(author), isRevoked: ledger.state.operatorRevocation(author) !== undefined }
  }

  /**
   * Takes an op that somebody signed. Throws UNTRUSTED for what nobody may issue, MESH_CONFLICT for a clock that is wrong, and
   * BAD_REQUEST for what no node could put into effect.
   */
  relay(text: string): OpStanding {
    const mesh = this.#mesh
    const now = this.#components.clock.now() - (mesh.clockAhead ?? 0)
    return this.#standing(
      mesh.relay(text, (op) => {
        checkClock(op.issuedAt, now)
        const effect = effectOf(op, mesh.ledger.scope)
        const mistake = effect ? mistakeIn(effect) : isKnownType(op.type) && `that is no body of an op of type ${op.type}`
        if (mistake) throw new WarrenError('BAD_REQUEST', mistake)
      }),
    )
  }

  /**
   * Issues an op for whoever has the token of this node, which has to be the one with the admin key: a member that records what it sees
   * must not be able to change anything. Throws MESH_CONFLICT elsewhere.
   */
  issue(type: string, body: Readonly<Record<string, unknown>>): OpStanding {
    const mesh = this.#mesh
    const { ledger } = mesh
    const key = this.#components.adminKey()
    if (key?.publicKey !== ledger.scope.adminKey)
      throw new WarrenError(
        'ADMIN_KEY_ELSEWHERE',
        'a change of the whole mesh is signed: send it to the node that has the admin key, or have it signed by an operator key («warren operator add» makes one, --operator-key names its file), with which any node takes it',
      )
    if (!isKnownType(type)) throw new WarrenError('BAD_REQUEST', `there are no ops of type ${JSON.stringify(type)}`)
    const issuedAt = this.#components.clock.now()
    const op = signOp({ mesh: ledger.scope.mesh, ...ledger.positionOf(key.publicKey), issuedAt, type, body: { ...body } }, key)
    return this.relay(op.text)
  }

  get #mesh(): MeshLedger {
    const mesh = this.#components.mesh()
    if (mesh) return mesh
    throw new WarrenError('MESH_CONFLICT', 'this node is in no mesh, so it has no ledger')
  }

  #standing(op: Op, members = this.#members()): OpStanding {
    const { ledger, appliedBy, freedBy } = this.#mesh
    const applied = appliedBy(op.hash)
    const { state } = ledger
    return {
      op,
      effect: effectOf(op, ledger.scope),
      inEffect: state.isInEffect(op),
      isVoid: state.isVoid(op),
      appliedBy: applied,
      freed: op.type === 'purge' ? [...freedBy(op.hash)].map(([peer, { blobs, bytes }]) => ({ peer, blobs, bytes })) : [],
      missing: this.#missing(op, applied, members),
    }
  }

  /** Members that are waited for: told once for many ops, since there may be thousands of both. */
  #members(): OpStanding['missing'] {
    const { clock, peers } = this.#components
    const since = clock.now() - SEEN
    return peers().flatMap(({ id, connected, lastSeen }) =>
      connected || lastSeen > since ? [{ peer: id, connected, lastSeen }] : [],
    )
  }

  #missing(op: Op, appliedBy: readonly string[] | undefined, members: OpStanding['missing']): OpStanding['missing'] {
    if (!appliedBy || !this.#mesh.ledger.state.isInEffect(op)) return []
    const applied = new Set(appliedBy)
    return members.filter(({ peer }) => !applied.has(peer))
  }
}

function checkClock(issuedAt: number, now: number): void {
  const minutes = Math.round((issuedAt - now) / 60_000)
  if (Math.abs(issuedAt - now) <= CLOCK_TOLERANCE) return
  throw new WarrenError(
    'MESH_CONFLICT',
    `the clock of whoever signed this is ${Math.abs(minutes)} min ${minutes > 0 ? 'ahead of' : 'behind'} those of the mesh: set it right and sign again`,
  )
}
