import { type Challenge, parseChallenges } from './challenge.ts'
import { type CredentialEntry, mayHave } from './credentials.ts'
import { upstreamUrl } from './urls.ts'

/** How an upstream wants to be told who asks. */
export type Way = { readonly kind: 'credentials' } | TokenWay

/** By a token of its token service. */
interface TokenWay {
  readonly kind: 'token'
  readonly realm: URL
  readonly service: string | undefined
  readonly scope: string | undefined
  /** There are credentials, which the token service must not see. */
  readonly withheld: boolean
}

/**
 * The way to answer a 401; undefined where there is none.
 *
 * @param header Its `WWW-Authenticate`.
 * @param entry The credentials for the upstream that answered.
 * @param scope That of the token, where the challenge does not name one.
 */
export function wayOf(
  header: string | undefined,
  entry: CredentialEntry | undefined,
  scope: string | undefined,
): Way | undefined {
  const challenges = parseChallenges(header ?? '')
  const byToken = challenges.map((one) => tokenWay(one, entry, scope)).find((way) => way !== undefined)
  if (byToken) return byToken
  if (!entry) return undefined
  // Registries of packages mostly do not say what they want: a token is always shown as Bearer.
  const takes = 'token' in entry || header === undefined || challenges.some(({ scheme }) => scheme === 'basic')
  return takes ? { kind: 'credentials' } : undefined
}

/** Whether the two lead to the same proof. */
export function isSameWay(one: Way, other: Way): boolean {
  if (one.kind !== 'token' || other.kind !== 'token') return one.kind === other.kind
  return one.realm.href === other.realm.href && one.service === other.service && one.scope === other.scope
}

function tokenWay({ scheme, params }: Challenge, entry: CredentialEntry | undefined, scope: string | undefined) {
  const realm = scheme === 'bearer' ? realmOf(params.get('realm')) : undefined
  if (!realm) return undefined
  return {
    kind: 'token',
    realm,
    service: params.get('service'),
    scope: params.get('scope') || scope,
    withheld: entry !== undefined && !mayHave(entry, realm),
  } as const
}

/** Some name a realm that is no URL: they have no token service. */
function realmOf(text: string | undefined): URL | undefined {
  try {
    return text === undefined ? undefined : upstreamUrl(text)
  } catch {
    return undefined
  }
}
