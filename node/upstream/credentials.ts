import type { Secret } from '../secret.ts'

/** What proves to an upstream who asks. */
export type CredentialEntry = {
  /** Of the upstream. */
  readonly origin: string
  /** `host[:port]` of further token services that may have it. */
  readonly realms?: readonly string[]
} & Login

/** `token` goes out as it is to upstreams without a token service, and to a token service as refresh token (RFC 6749 section 6). */
type Login = { readonly username: string; readonly password: Secret } | { readonly token: Secret }

/** Token services that belong to a registry and have another host. */
const REALMS: Readonly<Record<string, readonly string[]>> = { 'https://registry-1.docker.io': ['auth.docker.io'] }

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

/** Whether the token service at `realm` may see the credentials: whoever runs a registry chooses what its challenges name. */
export function mayHave({ origin, realms = [] }: CredentialEntry, realm: URL): boolean {
  return [new URL(origin).host, ...(REALMS[origin] ?? []), ...realms].includes(realm.host)
}

/** `Authorization` for the origin of the entry (RFC 7617, RFC 6750). */
export function authorization(entry: CredentialEntry): string {
  if ('token' in entry) return `Bearer ${entry.token.reveal()}`
  return `Basic ${Buffer.from(`${entry.username}:${entry.password.reveal()}`).toString('base64')}`
}
