import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Finder, Source } from '../cache/found.ts'
import type { Plan, Subject } from '../cache/plan.ts'
import { isWarrenError, WarrenError } from '../errors.ts'
import { inRequest, requestIdOf } from '../request-id.ts'
import type { Upstream } from '../upstream/upstream.ts'
import { addressed } from './addressed.ts'
import type { BaseUrl } from './base-url.ts'
import { ClientLeft } from './client-left.ts'
import type { Composer } from './composer.ts'
import { hasConditions } from './conditional.ts'
import { Exchange, wantsConfirmation } from './exchange.ts'
import type { AtHand } from './express-lane.ts'
import { Guard } from './guard.ts'
import type { HostAllowList } from './hosts.ts'
import type { Mounts } from './mounts.ts'
import { passThrough } from './pass-through.ts'
import { breakOff, sendError, sendFixed } from './refusal.ts'
import { RequestBodies } from './request-bodies.ts'
import { Routes } from './routes.ts'
import type { Sender } from './sender.ts'
import { splitTarget } from './target.ts'

/** A request, or the target of one that never became one. */
export type Asked = string | Pick<IncomingMessage, 'url' | 'headers'>

export interface DoorEvents {
  /**
   * A mirror of that protocol answered. `source` is where the bytes came from; `bytes` of body went out in `ms`. Called for each hit: it
   * must cost next to nothing.
   */
  served(mirror: string, protocol: string, source: Source | 'fixed', bytes: number, ms: number, asked: Asked): void
  /** A mirror answered with an error, or broke off after headers were out; without a protocol it was none's. */
  refused(mirror: string, protocol: string | undefined, error: WarrenError, path: string): void
  /** The client left before it had its answer. */
  left(protocol: string | undefined): void
  /** Something that no code expected. */
  bug(error: unknown, path: string): void
}

export interface DoorComponents {
  readonly cache: Finder
  /** Throws POLICY_DENIED for what must be asked of nobody. */
  readonly policy: { admit(subject: Subject): void }
  readonly composer: Composer
  readonly upstream: Upstream
  readonly sender: Sender
  readonly hosts: HostAllowList
  readonly baseUrl: BaseUrl
  readonly events: DoorEvents
}

/** Headers of a request that call for more than looking its target up. */
const NOT_PLAIN = ['range', 'via', 'origin', 'content-length', 'transfer-encoding', 'expect', 'upgrade', 'trailer'] as const

/**
 * Where requests for artifacts come in. The whole path in one place: host check → mirror → grammar → plan → cache → answer.
 */
export class Door {
  readonly #components: DoorComponents
  readonly #guard: Guard
  readonly #bodies = new RequestBodies()
  readonly #self: string
  #mounts: Mounts
  #routes: Routes

  constructor(components: DoorComponents, init: { nodeId: string; mounts: Mounts }) {
    this.#components = components
    this.#guard = new Guard(components)
    this.#self = `warren-${init.nodeId}`
    this.#mounts = init.mounts
    this.#routes = new Routes(init.mounts)
  }

  get mounts(): Mounts {
    return this.#mounts
  }

  /** Replaces the mirrors; requests under way end with those that they began with. */
  set mounts(mounts: Mounts) {
    this.#mounts = mounts
    this.#routes = new Routes(mounts)
  }

  /** Answers a request under any mirror. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { cache, policy, composer, upstream, sender, baseUrl, events } = this.#components
    const began = performance.now()
    try {
      this.#guard.check(request)
      if (request.headers.via !== undefined) this.#checkLoop(request.headers.via)
      const { mounted, route } = this.#routes.of(request)
      const { mirror, protocol } = mounted
      let source: Source | 'fixed'
      let bytes: number
      if ('plans' in route) {
        const within = route.below === undefined ? mirror : { ...mirror, path: mirror.path + route.below }
        const exchange = new Exchange(request, response, { cache, composer, baseUrl, mirror: within })
        const finding = exchange.find(route)
        // What is at once there is answered at once: each await costs a small hit some percent of its time.
        const found = finding instanceof Promise ? await finding : finding
        const sent = sender.send(addressed(found, route), exchange)
        source = found.source
        bytes = typeof sent === 'number' ? sent : await sent
      } else if ('pass' in route) {
        if (route.pass.subject) policy.admit(route.pass.subject)
        const { signal } = new Exchange(request, response, { cache, composer, baseUrl, mirror })
        source = 'upstream'
        bytes = await passThrough({ upstream, bodies: this.#bodies }, route.pass, request, response, signal)
      } else {
        source = 'fixed'
        bytes = sendFixed(request, response, route.reply)
      }
      events.served(mirror.name, protocol.name, source, bytes, performance.now() - began, request)
    } catch (error) {
      inRequest(requestIdOf(request), () => this.#fail(error, request, response))
    }
  }

  /** Whether a GET asks for nothing but what is at its target: no part of it, under no condition, through no other node. */
  isPlain(request: IncomingMessage): boolean {
    const { headers } = request
    if (NOT_PLAIN.some((name) => headers[name] !== undefined) || hasConditions(headers)) return false
    if (headers.connection !== undefined && headers.connection.toLowerCase() !== 'keep-alive') return false
    try {
      this.#guard.check(request)
      return true
    } catch {
      return false
    }
  }

  /** A small hit, for the express lane: the same answer as `handle` would give to a plain GET. Never throws. */
  atHand(target: string, headers: IncomingHttpHeaders, socket: Socket): AtHand | undefined {
    const { cache, sender, baseUrl, events } = this.#components
    const began = performance.now()
    try {
      const wanted = this.#routes.keyOf(target, headers)
      const found = wanted && cache.atHand(wanted, wantsConfirmation(headers))
      if (!found) return undefined
      // Who is believed about the base URL depends on the connection, too.
      const base = () => baseUrl.of({ headers, socket }) + wanted.below
      const answer = sender.atHand(addressed(found, {}), headers, base)
      if (answer) {
        const { mirror, protocol } = wanted
        events.served(mirror, protocol, found.source, answer.body.length, performance.now() - began, target)
      }
      return answer
    } catch {
      // Whatever it is, the usual way meets it again and tells the client.
      return undefined
    }
  }

  /** What a plain GET of a target may be answered with, as it is tried. Throws NO_SUCH_MIRROR, and what a grammar throws. */
  plansOf(target: string): readonly Plan[] {
    const { route } = this.#routes.of({ method: 'GET', url: target, headers: { accept: '*/*' } })
    return 'plans' in route ? route.plans : []
  }

  /** Throws FOREIGN_HOST or FOREIGN_ORIGIN for what only a web page would send, BAD_REQUEST for two hosts. */
  checkHost(request: IncomingMessage): void {
    this.#guard.check(request)
  }

  #checkLoop(via: string): void {
    // RFC 9110 section 7.6.3: protocol, then who received it.
    if (!via.split(',').some((hop) => hop.trim().split(/\s+/)[1] === this.#self)) return
    throw new WarrenError('LOOP', 'this request has been here before: an upstream of this node leads back to it')
  }

  #fail(thrown: unknown, request: IncomingMessage, response: ServerResponse): void {
    const { events } = this.#components
    const target = targetOf(request)
    try {
      if (thrown instanceof ClientLeft) {
        events.left(this.#mounts.ownerOf(splitTarget(target)).protocol?.name)
        response.destroy()
        return
      }
      if (!isWarrenError(thrown)) events.bug(thrown, target)
      const error = isWarrenError(thrown)
        ? thrown
        : new WarrenError('INTERNAL', 'this node failed to answer; its log says why', { cause: thrown })
      const owner = this.#mounts.ownerOf(splitTarget(target))
      events.refused(owner.mirror, owner.protocol?.name, error, target)
      if (response.headersSent) breakOff(request, response)
      else sendError(request, response, error, owner.protocol)
    } catch (error) {
      events.bug(error, target)
      response.destroy()
    }
  }
}

function targetOf({ url = '/' }: IncomingMessage): string {
  return url
}
