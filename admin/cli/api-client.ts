import { z } from 'zod'
import { TOKEN_VARIABLE } from '../../node/config/env.ts'
import { reasonOf } from '../../node/errors.ts'
import { type AdminAnswer, AdminConnection } from './admin-connection.ts'
import { START_ONE, StrangerError, UnreachableError, UsageError } from './exit-codes.ts'

/** Ms until a node that does not answer counts as not there. */
const TIMEOUT = 5_000

/** What is shown to a node, so that it tells and does more than for others. */
export interface ShownToken {
  readonly value: string
  /** Only to who proves before that it has the same. */
  readonly proven: boolean
}

interface Request {
  /** Sent as JSON. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Ms that the node gets. */
  readonly patience?: number
}

/** Where a node's admin API is: an http(s) URL, or `unix:` and the path of a socket. */
export class ApiClient {
  readonly #base: string
  readonly #token: ShownToken | undefined

  /** `token` is that of the node, for more than counts. Throws UsageError. */
  constructor(base: string, token?: ShownToken) {
    const url = URL.canParse(base) ? new URL(base) : undefined
    if (!url || !['http:', 'https:', 'unix:'].includes(url.protocol)) {
      throw new UsageError(
        `${JSON.stringify(base)} names no node; give a URL such as http://127.0.0.1:7470, or unix: and an absolute path`,
      )
    }
    this.#base = base
    this.#token = token
  }

  /** Whether it may see and do more than others. */
  get hasToken(): boolean {
    return this.#token !== undefined
  }

  /**
   * The JSON that the node answers. Throws UnreachableError, UsageError for what the node says that it has not, and Error for an
   * answer that is none of a node's.
   */
  async get(path: string): Promise<unknown> {
    return (await this.ask('GET', path)).json
  }

  /** The same for any method, with the entity tag of what the answer is about; in the words of the node where it refuses. */
  async ask(method: string, path: string, request: Request = {}): Promise<{ json: unknown; etag: string | undefined }> {
    const { status, body, etag } = await this.#send(method, path, request)
    if (status === 401) throw new Error(tokenText(this.#base, this.hasToken))
    const refusal = status < 300 ? undefined : refusalIn(body)
    if (refusal !== undefined) throw MISTAKES.has(refusal.title) ? new UsageError(refusal.text) : new Error(refusal.text)
    if (status >= 300 || status < 200)
      throw new Error(`${this.#base} answers ${status}; is it the address of a node's admin listener (admin.listen)?`)
    try {
      return { json: JSON.parse(body), etag }
    } catch {
      throw new Error(`${this.#base} answers with something that is no JSON; is it the address of a Warren node?`)
    }
  }

  async #send(method: string, path: string, { body, headers: more, patience = TIMEOUT }: Request): Promise<AdminAnswer> {
    const token = this.#token
    const signal = AbortSignal.timeout(patience)
    const headers = {
      accept: 'application/json',
      ...(token && { authorization: `Bearer ${token.value}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...more,
    }
    using connection = new AdminConnection(this.#base)
    let isRight: boolean
    try {
      isRight = !token?.proven || (await connection.proves(token.value, signal))
      if (isRight)
        return await connection.send({
          method,
          path,
          headers,
          body: body === undefined ? undefined : JSON.stringify(body),
          signal,
        })
    } catch (error) {
      throw new UnreachableError(this.#noAnswer(error, patience))
    }
    throw new StrangerError(strangerText(this.#base))
  }

  #noAnswer(error: unknown, patience: number): string {
    const late = error instanceof Error && error.name === 'AbortError'
    const reason = late ? `nothing came within ${patience / 1_000} s` : reasonOf(error)
    return `no node answers at ${this.#base}: ${reason}; ${START_ONE}, or name another with --node`
  }
}

/** What to do where a node does not take a token, or wants one. */
export function tokenText(base: string, hasToken = false): string {
  const what = hasToken ? 'has another node token' : 'wants its node token'
  return `${base} ${what}: set ${TOKEN_VARIABLE} to what stands in node.token in its data folder`
}

function strangerText(base: string): string {
  const who = 'another program has its address, or it has another token, or is of an older version'
  return `what answers at ${base} does not prove to be the node that is meant, so that it is not shown the token: ${who}; ${START_ONE}, or name another with --node`
}

/** Refusals of what was asked for; others are trouble. */
const MISTAKES: ReadonlySet<string> = new Set(['BAD_REQUEST', 'NO_SUCH_MIRROR', 'NOT_FOUND', 'CONFLICT', 'PRECONDITION_FAILED'])

const refusalSchema = z.object({ title: z.string().regex(/^[A-Z_]+$/), detail: z.string() })

/** Why a node refuses (RFC 9457); undefined where what answers is none. */
function refusalIn(body: string): { title: string; text: string } | undefined {
  try {
    const { title, detail } = refusalSchema.parse(JSON.parse(body))
    // Of the parts of a request nobody on a command line knows.
    return { title, text: detail.replace(/^(body|path|query)[:.] ?/gm, '') }
  } catch {
    return undefined
  }
}
