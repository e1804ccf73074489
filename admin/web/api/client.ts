import type { Problem } from '../../api/problem.ts'
import { signIn, signOut, token } from './session.ts'

/** What the node refused, in its own words (RFC 9457). */
class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly status: number
  /** Code of the error, such as TOKEN_REQUIRED. */
  readonly code: string

  constructor({ status, title, detail }: Pick<Problem, 'status' | 'title' | 'detail'>) {
    super(detail)
    this.status = status
    this.code = title
  }
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** Something with its entity tag, by which a change of it can be held to what its author saw. */
export interface Seen<T> {
  readonly value: T
  readonly tag: string
}

/** Asks this node, below `/admin/v1/`. Throws Refusal. */
export async function ask<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return (await askAs<T>(token(), method, path, { body, signal })).value
}

export function look<T>(path: string): Promise<Seen<T>> {
  return askAs(token(), 'GET', path)
}

/** Changes something if nobody else has meanwhile. @param tag of what its author saw; undefined: it must not be there. Throws Refusal. */
export async function change(method: 'PUT' | 'DELETE', path: string, tag: string | undefined, body?: unknown): Promise<void> {
  const headers: Record<string, string> = tag === undefined ? { 'if-none-match': '*' } : { 'if-match': tag }
  await askAs(token(), method, path, { body, headers })
}

/** Tries a token, and keeps it if it is right. Throws Refusal. */
export async function signInWith(value: string): Promise<void> {
  await askAs(value.trim(), 'GET', 'policy')
  signIn(value)
}

interface AskInit {
  readonly body?: unknown
  readonly signal?: AbortSignal | undefined
  readonly headers?: Readonly<Record<string, string>>
}

async function askAs<T>(
  sent: string | null,
  method: Method,
  path: string,
  { body, signal, headers: further }: AskInit = {},
): Promise<Seen<T>> {
  const headers = {
    ...further,
    ...(sent !== null && { authorization: `Bearer ${sent}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const init = { method, headers, cache: 'no-store', ...(signal && { signal }) } as const
  const request = fetch(`/admin/v1/${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) })
  const response = await request.catch((error) => {
    throw signal?.aborted ? error : new Error('the node does not answer')
  })
  const json = await response.json().catch(() => undefined)
  if (response.ok) return { value: json as T, tag: response.headers.get('etag') ?? '' }
  // The node has another token by now.
  if (response.status === 401 && sent !== null && sent === token()) signOut()
  throw new Refusal(json ?? { status: response.status, title: 'INTERNAL', detail: `the node answered ${response.status}` })
}

/** A query of what is set; empty texts are not. */
export function query(fields: Readonly<Record<string, string | number | null | undefined>>): string {
  const set = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null && value !== '')
  return new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString()
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
