import semver from 'semver'
import { scan, shape, textOf } from '../json/scan.ts'
import type { Offers } from '../protocol.ts'

const VALUE = shape()
const DOCUMENT = shape({ version: VALUE, versions: shape({}, VALUE), time: shape({}, VALUE) })

/** Takes versions out of a packument. Of a manifest, which a tag led to, nothing is left if its one version is refused. */
export const offers: Offers = {
  id: 'npm-offers-1',
  from: { module: import.meta.url, exportName: 'offers' },
  withhold(bytes, allows) {
    const document = scan(bytes, DOCUMENT)
    const { members } = document
    const version = textOf(bytes, members.get('version'))
    const versions = members.get('versions')?.members
    if (!versions) return version === undefined || allows(version, undefined) ? bytes : Buffer.from('{}')
    const times = members.get('time')?.members
    const refused = [...versions.keys()].filter((one) => !allows(one, parseTime(textOf(bytes, times?.get(one)))))
    // Building a large document takes ten times as long as looking through it, and most need no change.
    return refused.length === 0 ? bytes : Buffer.from(JSON.stringify(without(JSON.parse(bytes.toString()), refused)))
  },
}

/** Ms since the epoch; undefined for what is no date. */
export function parseTime(text: string | undefined): number | undefined {
  const time = Date.parse(text ?? '')
  return Number.isNaN(time) ? undefined : time
}

type Packument = Readonly<Record<'versions' | 'time' | 'dist-tags', Record<string, unknown> | undefined>>

function without(packument: Packument, refused: readonly string[]): Packument {
  const { versions, time, 'dist-tags': tags } = packument
  const gone = new Set<unknown>(refused)
  for (const version of refused) {
    delete versions?.[version]
    if (isGroup(time)) delete time[version]
  }
  if (!isGroup(tags)) return packument
  for (const [tag, version] of Object.entries(tags)) {
    if (!gone.has(version)) continue
    const next = tag === 'latest' ? nextBest(versions ?? {}, String(version)) : undefined
    if (next === undefined) delete tags[tag]
    else tags[tag] = next
  }
  return packument
}

/**
 * What is to be `latest` where that is withheld: the highest release before it that nobody warns of. Only where there is none, one
 * behind it, since a publisher who tags an older version so means to keep people off the newer ones.
 */
function nextBest(versions: Readonly<Record<string, unknown>>, latest: string): string | undefined {
  const left = Object.keys(versions).filter((version) => semver.valid(version))
  const best = left.sort(semver.rcompare)
  const releases = best.filter((version) => semver.prerelease(version) === null)
  const before = releases.filter((version) => semver.valid(latest) && semver.lt(version, latest))
  return before.find((version) => !isDeprecated(versions[version])) ?? before[0] ?? releases[0] ?? best[0]
}

function isDeprecated(manifest: unknown): boolean {
  return isGroup(manifest) && Boolean(manifest.deprecated)
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
