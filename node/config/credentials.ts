import { z } from 'zod'
import { registryOrigins } from '../registry-origin.ts'
import { Secret } from '../secret.ts'
import { MAX_SECRET, MAX_VALUE_BYTES } from './constants.ts'
import * as rules from './rules.ts'
import { readBounded } from './yaml-file.ts'

/** What is shown to one upstream and its token service. */
export type RegistryCredentials = {
  /** Of the upstream. */
  readonly origin: string
  /** URL of a token service on another site that may have it. */
  readonly realm?: string | undefined
  /** Whether what comes with them may go to other members all the same: it is public, and the login is there for a higher limit. */
  readonly share?: boolean | undefined
} & ({ readonly username: string; readonly password: Secret } | { readonly token: Secret })

const ENTRY_MUST = 'username with password or passwordFile, or token or tokenFile'
const TEXT_MUST = `a text of 1 to ${MAX_SECRET} characters, in quotes where it is a number`

const password = z.string({ error: TEXT_MUST }).min(1, { error: TEXT_MUST }).max(MAX_SECRET, { error: TEXT_MUST })
const token = password.regex(/^[\x21-\x7e]+$/, { error: 'a token: printable ASCII characters without blanks' })
// RFC 7617 section 2.
const username = password.regex(/^[^:\p{Cc}]+$/u, { error: 'a name without colons and control characters' })

/** The content of a file that holds one secret, without the end of its line. */
const secretFile = rules.folder.transform((path, context): string => {
  try {
    const text = readBounded(path, MAX_VALUE_BYTES)?.replace(/\r?\n$/, '')
    if (text) return text
  } catch {
    // Said below.
  }
  context.addIssue({
    code: 'custom',
    message: 'the absolute path of a file that this user can read and that holds nothing else',
  })
  return z.NEVER
})

const entry = z.strictObject(
  {
    username: username.optional(),
    password: password.optional(),
    passwordFile: secretFile.pipe(password).optional(),
    token: token.optional(),
    tokenFile: secretFile.pipe(token).optional(),
    realm: rules.baseUrl.optional(),
    share: rules.truth.optional(),
  },
  { error: ENTRY_MUST },
)

/** Names of what an entry may have. */
export const CREDENTIAL_KEYS = Object.keys(entry.shape)

/** By name of the registry; see `registryOrigins` for how it may be written. */
export const credentials = z
  .record(z.string(), entry, { error: `a group of registries, such as docker.io, each with ${ENTRY_MUST}` })
  .transform((written, context): RegistryCredentials[] => {
    const seen = new Map<string, string>()
    return Object.entries(written).flatMap(([name, { realm, share, ...given }]): RegistryCredentials[] => {
      const wrong = (message: string) => {
        context.addIssue({ code: 'custom', path: [name], message })
        return []
      }
      const origins = registryOrigins(name)
      if (origins.length === 0)
        return wrong('named by a registry, such as ghcr.io, or its origin, such as http://localhost:5000')
      const twin = origins.map((origin) => seen.get(origin)).find((other) => other !== undefined)
      if (twin !== undefined) return wrong(`left out: it is the same registry as ${twin}`)
      for (const origin of origins) seen.set(origin, name)
      const login = loginOf(given)
      return login ? origins.map((origin) => ({ origin, realm, share, ...login })) : wrong(ENTRY_MUST)
    })
  })

function loginOf({ username, password, passwordFile, token, tokenFile }: Omit<z.output<typeof entry>, 'realm' | 'share'>) {
  const [secret, ...others] = [password, passwordFile, token, tokenFile].filter((one) => one !== undefined)
  const isToken = (token ?? tokenFile) !== undefined
  if (secret === undefined || others.length > 0 || isToken === (username !== undefined)) return undefined
  return username === undefined ? { token: new Secret(secret) } : { username, password: new Secret(secret) }
}
