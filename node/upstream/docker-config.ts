import { z } from 'zod'
import { WarrenError } from '../errors.ts'
import { registryOrigins } from '../registry-origin.ts'
import { Secret } from '../secret.ts'
import type { CredentialEntry } from './credentials.ts'

const text = z.string().max(16 << 10)

/** The part of Docker's `config.json` that is about registries (`docker login` writes it). */
const schema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({
        auth: text.optional(),
        username: text.optional(),
        password: text.optional(),
        identitytoken: text.optional(),
      }),
    )
    .optional(),
  credsStore: z.string().optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
})

type Auth = NonNullable<z.output<typeof schema>['auths']>[string]

/**
 * The credentials in the `config.json` of Docker at `path`, and what there is to say about those that cannot be used. Throws
 * CONFIG_INVALID for what is none and for one that leaves credentials to helper programs; without anything of the text.
 */
export function readDockerConfig(content: string, path: string): { entries: CredentialEntry[]; warnings: string[] } {
  const result = schema.safeParse(parse(content))
  if (!result.success) throw new WarrenError('CONFIG_INVALID', `${path} is no config.json of Docker; «docker login» writes one`)
  const { auths = {}, credsStore, credHelpers = {} } = result.data
  const helpers = [...new Set([...(credsStore ? [credsStore] : []), ...Object.values(credHelpers)])]
  if (helpers.length > 0) throw helped(path, helpers)
  const entries: CredentialEntry[] = []
  const warnings: string[] = []
  for (const [name, auth] of Object.entries(auths)) {
    const login = loginOf(auth)
    if (!login) continue
    const origins = registryOrigins(name)
    // Credentials for one namespace of a registry would go out for all of it.
    if (origins.length === 0)
      warnings.push(`${path}: the credentials for ${JSON.stringify(name)} are not used, since that is not a whole registry`)
    entries.push(...origins.map((origin) => ({ origin, ...login })))
  }
  return { entries, warnings }
}

/** Half of the credentials would be a puzzle later; and a node runs no programs that a file names. */
function helped(path: string, helpers: readonly string[]): WarrenError {
  return new WarrenError(
    'CONFIG_INVALID',
    `${path} leaves credentials to helper programs (credsStore, credHelpers: ${helpers.join(', ')}), which are not run; put the logins under credentials instead, or name a file that «docker login» wrote without them`,
  )
}

/** Undefined where there is nothing, as beside a helper program. */
function loginOf({ auth, username, password, identitytoken }: Auth) {
  if (identitytoken) return { token: new Secret(identitytoken) }
  if (username && password) return { username, password: new Secret(password) }
  const decoded = Buffer.from(auth ?? '', 'base64').toString()
  const colon = decoded.indexOf(':')
  // Docker fills passwords with NUL.
  const plain = decoded.slice(colon + 1).replace(/\0+$/, '')
  return colon > 0 && plain !== '' ? { username: decoded.slice(0, colon), password: new Secret(plain) } : undefined
}

function parse(content: string): unknown {
  try {
    return JSON.parse(content)
  } catch {
    // The reason would quote the text.
    return undefined
  }
}
