import { compare, prerelease, valid } from 'semver'
import { z } from 'zod'
import { byDigests, digestOf } from './checks.ts'
import { below, type Cooked, type Kitchen, noVersion, segment } from './recipe.ts'
import { shaped } from './shaped.ts'
import type { CargoWanted } from './wanted.ts'

const config = z.object({ dl: z.string() })
const line = z.object({ name: z.string(), vers: z.string(), cksum: z.string(), yanked: z.boolean().nullish() })

type Line = z.output<typeof line>

/** Fetches a version as Cargo does: by the configuration of the registry and the crate's index file. Throws as the client does, and Error. */
export async function getCargo(wanted: CargoWanted, kitchen: Kitchen): Promise<Cooked> {
  const { client } = kitchen
  const { got: configured, value: dl } = await client.document(
    { ...below(kitchen, 'config.json'), name: `config.json of ${kitchen.mirror.name}` },
    (bytes) => shaped(config, JSON.parse(bytes.toString('utf8'))).dl,
  )
  const ask = { ...below(kitchen, indexPath(wanted.name)), name: `${wanted.name} (index)`, accept: 'text/plain' }
  const { got: index, value: lines } = await client.document(ask, parseIndex)
  const one = chosen(wanted, lines)
  const url = new URL(downloadUrl(dl, one), ask.url).href
  if (new URL(url).origin !== new URL(ask.url).origin)
    throw new Error(`${one.name} ${one.vers} is not at the node: config.json leads to ${new URL(url).host}`)
  const check = byDigests(digestOf('sha256', one.cksum))
  const file = await client.file({ url, name: `${one.name}-${one.vers}.crate`, check })
  return { version: one.vers, files: [configured, index, file] }
}

/** Where a sparse index has a crate (Cargo book, «Index files»). */
export function indexPath(name: string): string {
  const lower = name.toLowerCase()
  const file = segment(lower)
  if (lower.length < 3) return `${lower.length}/${file}`
  if (lower.length === 3) return `3/${segment(lower.slice(0, 1))}/${file}`
  return `${segment(lower.slice(0, 2))}/${segment(lower.slice(2, 4))}/${file}`
}

/** Cargo book, «Index configuration»: with none of the markers the rest of the path is the usual one. */
export function downloadUrl(dl: string, { name, vers, cksum }: Pick<Line, 'name' | 'vers' | 'cksum'>): string {
  const prefix = indexPrefix(name)
  const markers: Readonly<Record<string, string>> = {
    '{crate}': segment(name),
    '{version}': segment(vers),
    '{prefix}': prefix,
    '{lowerprefix}': prefix.toLowerCase(),
    '{sha256-checksum}': cksum,
  }
  const url = dl.replace(/\{[a-z0-9-]+\}/g, (marker) => markers[marker] ?? marker)
  return url === dl ? `${dl}/${segment(name)}/${segment(vers)}/download` : url
}

/** In the case of the name. */
function indexPrefix(name: string): string {
  if (name.length < 3) return String(name.length)
  return name.length === 3 ? `3/${name.slice(0, 1)}` : `${name.slice(0, 2)}/${name.slice(2, 4)}`
}

/** Versions as an index file lists them; like cargo it passes over lines that it cannot read. */
export function parseIndex(bytes: Buffer): Line[] {
  return bytes
    .toString('utf8')
    .split('\n')
    .flatMap((text) => line.safeParse(jsonOf(text)).data ?? [])
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The line of the wanted version, else of the newest one; of several lines the last one, as with cargo. Throws Error. */
export function chosen({ name, version, checksum }: CargoWanted, lines: readonly Line[]): Line {
  const usual = lines
    .filter(({ yanked, vers }) => !yanked && valid(vers) && prerelease(vers) === null)
    .sort((one, other) => compare(other.vers, one.vers))
  const wanted = version ?? usual[0]?.vers
  const listed = lines.filter(({ vers }) => vers === wanted)
  const found = listed.find(({ cksum }) => cksum === checksum) ?? listed.at(-1)
  if (found && checksum !== undefined && found.cksum !== checksum)
    throw new Error(
      `${name} ${found.vers} is wrong: the index has the digest sha256:${found.cksum} instead of sha256:${checksum}`,
    )
  if (found) return found
  const newest = usual[0] === undefined ? '' : `; the newest is ${usual[0].vers}`
  throw version === undefined ? new Error(`${name} has no version that is not yanked`) : noVersion(name, version, newest)
}
