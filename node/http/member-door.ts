import type { IncomingMessage, ServerResponse } from 'node:http'
import { isWarrenError, WarrenError } from '../errors.ts'
import { PURGES } from '../mesh/ledger/purge-mark.ts'
import { inRequest, requestIdOf } from '../request-id.ts'
import type { Role } from '../trust/standing.ts'
import { ClientLeft } from './client-left.ts'
import { breakOff, sendError } from './refusal.ts'

/** Who asks: proven by the certificates of its socket. */
export interface Asker {
  /** Peer id. */
  readonly peer: string
  readonly role: Role
  /** Id of the ticket by which it joined; none for a seed that the admin key certified itself. */
  readonly ticket?: string | undefined
}

/** What answers members below one path of the data plane. */
export interface MemberService {
  /** With what its paths begin, such as `/blobs/v1/`; its version is in it. */
  readonly prefix: string
  /** Answers, and gives the bytes of body that went out. What it throws becomes the answer, unless the head is out. */
  answer(request: IncomingMessage, response: ServerResponse, member: Asker): number | Promise<number>
}

export interface MemberDoorComponents {
  readonly services: readonly MemberService[]
  /** As `Answering` has it; where it is left out, everybody is served, and nothing is said of purges. */
  purges?(): string | undefined
  readonly events: {
    /** So many bytes of body went to that member. */
    sent(peer: string, bytes: number): void
    /** Whoever asked below that prefix was answered with that status. */
    answered?(prefix: string, status: number): void
    /** Something that no code expected. */
    bug(error: unknown, path: string): void
  }
}

/** Where members ask this node over the data plane. Nobody gets here who has not proven that it is one. */
export class MemberDoor {
  readonly #components: MemberDoorComponents

  constructor(components: MemberDoorComponents) {
    this.#components = components
  }

  /** Answers a request of a member. Never rejects. */
  async handle(request: IncomingMessage, response: ServerResponse, member: Asker): Promise<void> {
    const { services, purges, events } = this.#components
    const { url = '/' } = request
    let service: MemberService | undefined
    try {
      const mark = purges ? purges() : ''
      if (mark === undefined)
        throw new WarrenError('NODE_BUSY', 'this node does not know yet whether something was purged while it was away')
      if (mark !== '') response.setHeader(PURGES, mark)
      service = services.find(({ prefix }) => url.startsWith(prefix))
      if (!service) {
        const there = services.map(({ prefix }) => prefix).join(' and ')
        throw new WarrenError('NO_SUCH_MIRROR', `there is nothing here but ${there}`)
      }
      const asked = service
      const sent = inRequest(requestIdOf(request), () => asked.answer(request, response, member))
      events.sent(member.peer, typeof sent === 'number' ? sent : await sent)
    } catch (error) {
      inRequest(requestIdOf(request), () => this.#fail(error, request, response))
    }
    // Who left before the head was out had no answer.
    if (service && response.headersSent) events.answered?.(service.prefix, response.statusCode)
  }

  #fail(thrown: unknown, request: IncomingMessage, response: ServerResponse): void {
    if (thrown instanceof ClientLeft) {
      response.destroy()
      return
    }
    if (!isWarrenError(thrown)) this.#components.events.bug(thrown, request.url ?? '/')
    if (response.headersSent) breakOff(request, response)
    else sendError(request, response, isWarrenError(thrown) ? thrown : broken(thrown))
  }
}

function broken(cause: unknown): WarrenError {
  return new WarrenError('INTERNAL', 'this node failed to answer; its log says why', { cause })
}
