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

/** Asks this node, below `/admin/v1/`. Throws Refusal. */
export async function ask<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  return askAs(token(), method, path, body, signal)
}

/** Tries a token, and keeps it if it is right. Throws Refusal. */
export async function signInWith(value: string): Promise<void> {
  await askAs(value.trim(), 'GET', 'policy')
  signIn(value)
}

async function askAs<T>(sent: string | null, method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers = {
    ...(sent !== null && { authorization: `Bearer ${sent}` }),
    ...(body !== undefined && { 'content-type': 'application/json' }),
  }
  const init = { method, headers, cache: 'no-store', ...(signal && { signal }) } as const
  const response = await fetch(`/admin/v1/${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) })
  const json = await response.json().catch(() => undefined)
  if (response.ok) return json as T
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
  if (error instanceof TypeError) return 'the node does not answer'
  return error instanceof Error ? error.message : String(error)
}
