import { PackageURL, UrlConverter } from '@socketregistry/packageurl-js'
import { WarrenError } from '../../node/errors.ts'
import type { Mirror } from '../protocol.ts'
import { parseVerifier, type Verifier } from './note.ts'

/** Any module: only the origin is taken of its URL. */
const ANY = 'pkg:golang/example.test/m@v1.0.0'

/** The public module proxy, where the package-URL data know it. */
export const defaultUpstreams: readonly string[] = [UrlConverter.getAllUrls(PackageURL.fromString(ANY)).download?.url]
  .filter((url) => url !== undefined)
  .map((url) => `${new URL(url).origin}/`)

/**
 * The key of the public checksum database, without its name: its hash binds the name, which is that of the proxy but for the first
 * label (cmd/go/internal/modfetch `knownGOSUMDB`).
 */
const PUBLIC_KEY = '033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8'

const publicDatabase = defaultUpstreams.map((url) => new URL(url).host.replace(/^proxy\./, 'sum.'))[0]

/** A checksum database that a mirror believes. */
export interface Database {
  readonly name: string
  readonly verifier: Verifier
  /** Whether it is the one that is believed where nothing else is said. */
  readonly isPublic: boolean
  /** Whether it is certain that upstream passes on what is asked of it; else upstream has to say so. */
  readonly certain: boolean
}

const known = new Map<string, Verifier>()

/** The database that a mirror's `sumdb` names, or the public one; undefined for `off`. Throws CONFIG_INVALID. */
export function databaseOf({
  name: mirror,
  sumdb,
  upstreams,
}: Pick<Mirror, 'name' | 'sumdb' | 'upstreams'>): Database | undefined {
  if (sumdb === 'off') return undefined
  const publicText = `${publicDatabase}+${PUBLIC_KEY}`
  const text = sumdb ?? publicText
  // Where all upstreams are for bound names only, none is asked of the database.
  const certain = upstreams.length > 0 && (sumdb !== undefined || upstreams.every((base) => defaultUpstreams.includes(base)))
  try {
    const verifier = known.get(text) ?? parseVerifier(text)
    // As many as there are mirrors.
    known.set(text, verifier)
    return { name: verifier.name, verifier, isPublic: text === publicText, certain }
  } catch (cause) {
    throw new WarrenError(
      'CONFIG_INVALID',
      `mirrors.${mirror}.sumdb is no verifier key of a checksum database, «name+hash+key» as GOSUMDB has it, nor «off»`,
      { cause },
    )
  }
}
