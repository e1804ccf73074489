import { isIPv6 } from 'node:net'
import { isWildcard, type TcpAddress } from '../tcp-address.ts'
import { type Address, formatAddress } from './address.ts'
import { CREDENTIAL_KEYS } from './credentials.ts'
import type { Ecosystem } from './ecosystems.ts'
import { type MirrorEntry, mirrorEntry } from './mirror-entry.ts'
import { resolveMirrors, type WrittenMirror } from './mirrors.ts'
import type { Given, Problems } from './problems.ts'
import { type Config, schema } from './schema.ts'
import { CREDENTIALS, MIRRORS, settings, variableFor } from './settings.ts'

type ByKey = ReadonlyMap<string, readonly (Given & { readonly origin: string })[]>

/** An address that a setting claims. */
interface Wanted {
  readonly key: string
  readonly address: Address
  readonly path: readonly number[]
}

const MIRROR_PREFIX = `${MIRRORS}.`

/**
 * Checks everything that was given, also what something stronger shadows (it would turn up at the worst moment), and makes
 * the configuration of what is strongest. Throws CONFIG_INVALID.
 */
export function assembleConfig(byKey: ByKey, ecosystems: readonly Ecosystem[], problems: Problems): Config {
  const tree: Record<string, unknown> = { [MIRRORS]: {} }
  for (const { key, rule } of settings.values()) {
    if (key === MIRRORS) continue
    const given = byKey.get(key) ?? []
    const known = key === CREDENTIALS ? CREDENTIAL_KEYS.map((name) => `${key}.${name}`) : settings.keys()
    for (const one of given) problems.fromRule(one, rule.safeParse(one.value).error?.issues ?? [], known)
    if (given[0]) put(tree, key, given[0].value)
    else if (!rule.safeParse(undefined).success)
      problems.add(`${key} has no default here; set ${variableFor(key)}, or ${key} in the file`)
  }
  const mirrors = resolveMirrors(writtenMirrors(byKey, problems), ecosystems, problems)
  const result = schema.safeParse(tree)
  if (result.success) checkAddresses(result.data, byKey, problems)
  problems.throwIfAny()
  return deepFreeze({ ...schema.parse(tree), mirrors })
}

function writtenMirrors(byKey: ByKey, problems: Problems): WrittenMirror[] {
  return [...byKey].flatMap(([key, given]): WrittenMirror[] => {
    if (!key.startsWith(MIRROR_PREFIX)) return []
    const entries = given.map((one): MirrorEntry | false | undefined => {
      if (one.value === false) return false
      const result = mirrorEntry.safeParse(one.value)
      problems.fromRule(
        one,
        result.error?.issues ?? [],
        Object.keys(mirrorEntry.shape).map((name) => `${key}.${name}`),
      )
      return result.data
    })
    const [winner, entry] = [given[0], entries[0]]
    if (!winner || entry === undefined || winner.origin === 'default') return []
    return [{ name: key.slice(MIRROR_PREFIX.length), given: winner, entry, shadows: given.length > 1 }]
  })
}

/** Listeners that would take each other's address: said here by name, where the system only knows «in use». */
function checkAddresses(config: Pick<Config, 'listen' | 'admin' | 'mesh'>, byKey: ByKey, problems: Problems): void {
  const { listen, admin, mesh } = config
  const wanted: Wanted[] = [
    ...listen.map((address, at) => ({ key: 'listen', address, path: [at] })),
    { key: 'admin.listen', address: admin.listen, path: [] },
    ...(admin.metrics ? [{ key: 'admin.metrics', address: admin.metrics, path: [] }] : []),
    { key: 'mesh.listen', address: mesh.listen, path: [] },
    { key: 'mesh.blobs', address: mesh.blobs, path: [] },
  ]
  for (const [at, one] of wanted.entries()) {
    const other = wanted.slice(0, at).find((before) => clash(before, one))
    if (!other) continue
    // What somebody wrote can be mended; what is built in can only be put out of the way.
    const [wrong, right] = isBuiltIn(one, byKey) ? [other, one] : [one, other]
    const given = byKey.get(wrong.key)?.[0]
    const name = wrong.key === right.key ? formatAddress(right.address) : `${right.key} (${formatAddress(right.address)})`
    if (given) problems.wrong(given, wrong.path, `on another port than ${name}, which overlaps with it`)
    // One is enough: what overlaps with it overlaps with others, too.
    return
  }
}

function isBuiltIn({ key }: Wanted, byKey: ByKey): boolean {
  return byKey.get(key)?.[0]?.origin === 'default'
}

function clash(before: Wanted, one: Wanted): boolean {
  if ('socket' in before.address || 'socket' in one.address) return false
  // The very same address is one listener for mirrors and administration.
  const shared = before.key === 'listen' && one.key === 'admin.listen' && before.address.host === one.address.host
  return !shared && overlap(before.address, one.address)
}

/** Port 0 is another one each time. */
function overlap(one: TcpAddress, other: TcpAddress): boolean {
  return one.port !== 0 && one.port === other.port && (one.host === other.host || covers(one, other) || covers(other, one))
}

/** `::` takes IPv4 connections as well (RFC 3493 section 5.3). */
function covers(all: TcpAddress, other: TcpAddress): boolean {
  return isWildcard(all) && (isIPv6(all.host) || !isIPv6(other.host))
}

function put(tree: Record<string, unknown>, key: string, value: unknown): void {
  const [name = '', ...rest] = key.split('.')
  if (rest.length === 0) {
    tree[name] = value
    return
  }
  const inner = tree[name] ?? {}
  tree[name] = inner
  put(inner as Record<string, unknown>, rest.join('.'), value)
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const part of Object.values(value)) deepFreeze(part)
  }
  return value
}
