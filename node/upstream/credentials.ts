import type { Secret } from '../secret.ts'
import { isSameSite } from './site.ts'

/** What proves to an upstream who asks. */
export type CredentialEntry = {
  /** Of the upstream. */
  readonly origin: string
  /** URL of a token service on another site that may have it. */
  readonly realm?: string | undefined
  /** Whether what comes with them may go to other members all the same. */
  readonly share?: boolean | undefined
} & Login

/** `token` goes out as it is to upstreams without a token service, and to a token service as refresh token (RFC 6749 section 6). */
type Login = { readonly username: string; readonly password: Secret } | { readonly token: Secret }

/** The credentials of a node, by origin of the upstream. */
export class Credentials {
  readonly #byOrigin: ReadonlyMap<string, CredentialEntry>

  /** @param entries The first one for an origin counts. */
  constructor(entries: readonly CredentialEntry[]) {
    this.#byOrigin = new Map(entries.toReversed().map((entry) => [entry.origin, entry]))
  }

  of(origin: string): CredentialEntry | undefined {
    return this.#byOrigin.get(origin)
  }
}

/**
 * Whether the token service at `realm` may see the credentials. Whoever answers for a registry chooses what its challenges name,
 * so that it is kept within the registry's own site unless the operator names another one.
 */
export function mayHave({ origin, realm: named }: CredentialEntry, realm: URL): boolean {
  if (named !== undefined && new URL(named).origin === realm.origin) return true
  const upstream = new URL(origin)
  if (realm.protocol === 'https:') return isSameSite(upstream, realm)
  // In the clear they go nowhere but where the operator sends them in the clear.
  return upstream.protocol === 'http:' && upstream.hostname === realm.hostname
}

/** `Authorization` for the origin of the entry (RFC 7617, RFC 6750). */
export function authorization(entry: CredentialEntry): string {
  if ('token' in entry) return `Bearer ${entry.token.reveal()}`
  return `Basic ${Buffer.from(`${entry.username}:${entry.password.reveal()}`).toString('base64')}`
}
