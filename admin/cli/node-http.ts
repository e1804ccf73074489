import { type Agent, type IncomingMessage, request as requestHttp } from 'node:http'
import { reasonOf } from '../../node/errors.ts'
import { START_ONE, UnreachableError } from './exit-codes.ts'
import { printable } from './print.ts'

/** Ms of silence after which the node counts as hung: its own patience with upstreams ends before. */
const IDLE = 180_000
/** Bytes of an error that are read for its message. */
const MAX_ERROR = 64 << 10
/** Characters of it that are told. */
const MAX_MESSAGE = 300
/** Of connections that were never made; with any other the node was there. */
const NOT_THERE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
])

/** The node does not have it, or not for us. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

export interface NodeRequest {
  readonly accept: string
  /** Connections that are kept; without it each request has one of its own. */
  readonly agent?: Agent
  readonly signal?: AbortSignal
}

/**
 * Asks a mirror of a node. `what` begins the message when that breaks off. Throws UnreachableError, and Error for a node that was
 * there.
 */
export function askNode(url: URL, { accept, agent, signal }: NodeRequest, what: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const request = requestHttp(url, {
      agent: agent ?? false,
      headers: { accept },
      timeout: IDLE,
      ...(signal && { signal }),
    })
    request.on('timeout', () => request.destroy(new Error(`nothing came for ${IDLE / 1_000} s`)))
    request.on('response', resolve)
    request.on('error', (error: NodeJS.ErrnoException) => {
      const away = NOT_THERE.has(error.code ?? '')
      const why = `no node answers at ${url.origin}: ${reasonOf(error)}; ${START_ONE}`
      reject(away ? new UnreachableError(why) : new Error(`${what}: ${reasonOf(error)}`, { cause: error }))
    })
    request.end()
  })
}

/** Where the node has an answer from; not to steer a terminal. */
export function sourceOf({ headers }: IncomingMessage): string {
  return printable(String(headers['x-warren-source'] ?? 'unknown'))
}

/** What the node says in place of what was asked for, in the format of any ecosystem, or only its status. */
export async function refusalOf(response: IncomingMessage): Promise<string> {
  const { statusCode: status } = response
  let text = ''
  try {
    for await (const part of response.setEncoding('utf8')) {
      text += part
      if (text.length > MAX_ERROR) break
    }
  } catch {
    // What came of it may do.
  }
  const message = messageIn(text, String(response.headers['content-type'] ?? ''))
  if (message === undefined) return `the node answers ${status}`
  const said = message.text.slice(0, MAX_MESSAGE)
  if (message.code === undefined && said.endsWith(`(${status})`)) return printable(said)
  return printable(`${said} (${message.code === undefined ? '' : `${message.code}, `}${status})`)
}

function messageIn(text: string, type: string): { text: string; code?: string } | undefined {
  if (type.startsWith('text/plain')) {
    const [line = ''] = text.trim().split('\n')
    return line === '' ? undefined : { text: line }
  }
  try {
    const body = JSON.parse(text)
    // OCI distribution specification, «Error Codes»; Cargo registries have `detail` in its place.
    const [first] = Array.isArray(body?.errors) ? body.errors : []
    const said = first?.message ?? first?.detail ?? body?.error ?? body?.message ?? body?.detail
    if (typeof said !== 'string') return undefined
    return { text: said, ...(typeof first?.code === 'string' && { code: first.code }) }
  } catch {
    return undefined
  }
}
