import { z } from 'zod'
import { byDigests, digestOf, parseIntegrity } from './checks.ts'
import { below, type Cooked, type Kitchen, noVersion } from './recipe.ts'
import { shaped } from './shaped.ts'
import type { NpmWanted } from './wanted.ts'

/**
 * What npm says to get a document (`@npmcli/arborist`, `pacote`): without a lockfile it takes the full one, which stands in for the
 * short one where that cannot be had; with a lockfile the short one, as its like do.
 */
const ACCEPT = {
  full: 'application/json',
  short: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*',
} as const

const packument = z.object({
  'dist-tags': z.record(z.string(), z.string()).optional(),
  versions: z.record(
    z.string(),
    z.object({ dist: z.object({ tarball: z.string(), integrity: z.string().optional(), shasum: z.string().optional() }) }),
  ),
})

/**
 * Fetches a package as npm does: by its document, or, where a lockfile says where the tarball is, that alone. Throws as the client
 * does, and Error for a version that there is not.
 */
export async function getNpm(wanted: NpmWanted, kitchen: Kitchen): Promise<Cooked> {
  const { name, version, tarball } = wanted
  if (tarball !== undefined && version !== undefined)
    return { version, files: [await getTarball(kitchen, { name, version, tarball, digests: wanted.digests ?? [] })] }
  const ask = {
    ...below(kitchen, name.replace('/', '%2f')),
    name: `${name} (document)`,
    accept: ACCEPT[wanted.locked ? 'short' : 'full'],
  }
  const { got, value } = await kitchen.client.document(ask, (bytes) => shaped(packument, JSON.parse(bytes.toString('utf8'))))
  const tags = value['dist-tags'] ?? {}
  const chosen = version ?? 'latest'
  const exact = own(value.versions, chosen) ? chosen : own(tags, chosen)
  const dist = exact === undefined ? undefined : own(value.versions, exact)?.dist
  if (exact === undefined || !dist) throw noVersion(name, chosen, offered(value.versions, tags))
  const promised = [...parseIntegrity(dist.integrity ?? ''), ...digestOf('sha1', dist.shasum ?? '')]
  const digests = wanted.digests?.length ? wanted.digests : promised
  return { version: exact, files: [got, await getTarball(kitchen, { name, version: exact, tarball: dist.tarball, digests })] }
}

function getTarball(
  kitchen: Kitchen,
  { name, version, tarball, digests }: Required<Pick<NpmWanted, 'name' | 'version' | 'tarball' | 'digests'>>,
) {
  const file = `${name.slice(name.indexOf('/') + 1)}-${version}.tgz`
  const scope = name.includes('/') ? name.slice(0, name.indexOf('/') + 1) : ''
  const written = kitchen.mirrors.pathIn(kitchen.mirror, tarball)
  // A path that a mirror leads to is one that it knows; of upstream's own only the usual ones are.
  const path = written !== undefined && isUsual(written, name) ? written : `${name}/-/${file}`
  return kitchen.client.file({ ...below(kitchen, path), name: scope + file, check: byDigests(digests) })
}

function isUsual(path: string, name: string): boolean {
  const decoded = path.replace(/%2f/gi, '/').replace(/%40/g, '@')
  return decoded.startsWith(`${name}/-/`) && !decoded.slice(name.length + 3).includes('/')
}

function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined
}

function offered(versions: object, tags: Readonly<Record<string, string>>): string {
  const latest = own(tags, 'latest')
  if (Object.keys(versions).length === 0) return ': its document has none'
  return latest === undefined ? '' : `; the latest is ${latest}`
}
