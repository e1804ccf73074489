import { createHash, type Hash } from 'node:crypto'
import { Random } from '../harness/random.ts'

/** Media type of the abbreviated packument. */
const ABBREVIATED_TYPE = 'application/vnd.npm.install-v1+json'
/** Bytes that repeat in every body: large enough that no hash, disk or socket could make use of it. */
const PATTERN_BYTES = 1 << 20
/** Bytes at the end of a body that no other body has: hashing what comes before them is then shared by all bodies of a length. */
const TAIL_BYTES = 16
/** A sha1 is as much work as a sha256 and nobody needs it beside a sha512; as in a real registry, smaller archives have one. */
const MAX_SHA1_BYTES = 8 << 20

const NAME = /^[a-z][a-z0-9]*-v(\d{1,6})-b(\d{1,10})-m(\d{1,5})$/
const TARBALL = /^\/([^/]+)\/-\/\1-1\.0\.(\d{1,6})\.tgz$/

/** A package that is nothing but its name: `<label>-v<versions>-b<bytes of each archive>-m<bytes of each manifest's dependencies>`. */
export interface Package {
  readonly name: string
  readonly versions: number
  readonly bytes: number
  readonly manifestBytes: number
}

export function packageOf(label: string, shape: { versions?: number; bytes: number; manifestBytes?: number }): Package {
  const { versions = 1, bytes, manifestBytes = 0 } = shape
  const made = parsePackage(`${label}-v${versions}-b${bytes}-m${manifestBytes}`)
  if (!made) throw new RangeError(`no package has the label ${label}, ${versions} versions and ${bytes} bytes`)
  return made
}

/** Undefined for names that are not made like this. */
export function parsePackage(name: string): Package | undefined {
  const [, versions, bytes, manifestBytes] = (NAME.exec(name) ?? []).map(Number)
  if (versions === undefined || bytes === undefined || manifestBytes === undefined) return undefined
  return versions > 0 && bytes >= TAIL_BYTES ? { name, versions, bytes, manifestBytes } : undefined
}

/** Path of a version's archive below a registry. */
export function tarballPath(one: Package, version: number): string {
  return `/${one.name}/-/${one.name}-1.0.${version}.tgz`
}

export function tarballPaths(one: Package): string[] {
  return Array.from({ length: one.versions }, (_, version) => tarballPath(one, version))
}

/** The package and version whose archive a path names. */
export function parseTarball(path: string): { of: Package; version: number } | undefined {
  const [, name = '', version] = TARBALL.exec(path) ?? []
  const of = parsePackage(name)
  return of && Number(version) < of.versions ? { of, version: Number(version) } : undefined
}

/** Makes archives and documents of packages. Archives are random bytes: no node unpacks one. */
export class Packages {
  readonly #pattern = new Random(1).bytes(PATTERN_BYTES)
  readonly #states = new Map<string, Hash>()
  readonly #digests = new Map<string, string>()

  /** At most `max` bytes of an archive, from `position` on; empty beyond its end. */
  slice(one: Package, version: number, position: number, max: number): Buffer {
    const tailAt = one.bytes - TAIL_BYTES
    if (position >= tailAt) return tailOf(one, version).subarray(position - tailAt, position - tailAt + max)
    const from = position % PATTERN_BYTES
    return this.#pattern.subarray(from, from + Math.min(max, tailAt - position))
  }

  /** A whole archive, for those who need a file. */
  archive(one: Package, version: number): Buffer {
    const parts: Buffer[] = []
    for (let at = 0; at < one.bytes; at += parts.at(-1)?.length ?? 0) parts.push(this.slice(one, version, at, one.bytes - at))
    return Buffer.concat(parts)
  }

  digest(one: Package, version: number, algorithm: 'sha1' | 'sha256' | 'sha512'): Buffer {
    const key = `${algorithm} ${one.name} ${version}`
    let digest = this.#digests.get(key)
    if (digest === undefined) {
      digest = this.#state(algorithm, one.bytes - TAIL_BYTES)
        .copy()
        .update(tailOf(one, version))
        .digest('hex')
      this.#digests.set(key, digest)
    }
    return Buffer.from(digest, 'hex')
  }

  /** What a registry at `origin` says of one version. */
  manifest(one: Package, version: number, origin: string): Record<string, unknown> {
    const shasum = one.bytes <= MAX_SHA1_BYTES ? { shasum: this.digest(one, version, 'sha1').toString('hex') } : {}
    return {
      name: one.name,
      version: `1.0.${version}`,
      dependencies: dependencies(one.manifestBytes, version),
      dist: {
        integrity: `sha512-${this.digest(one, version, 'sha512').toString('base64')}`,
        ...shasum,
        tarball: origin + tarballPath(one, version),
      },
    }
  }

  /** The packument that the `accept` header asks for, with its media type. */
  packument(one: Package, origin: string, accept = ''): { type: string; body: string } {
    const abbreviated = accept.includes(ABBREVIATED_TYPE)
    const versions: Record<string, unknown> = {}
    const time: Record<string, string> = {}
    for (let version = 0; version < one.versions; version++) {
      const more = abbreviated ? {} : { description: `version ${version} of a package for measuring`, license: 'MIT' }
      versions[`1.0.${version}`] = { ...this.manifest(one, version, origin), ...more }
      time[`1.0.${version}`] = new Date(Date.UTC(2020, 0, 1, 0, version)).toISOString()
    }
    const top = { name: one.name, 'dist-tags': { latest: `1.0.${one.versions - 1}` }, versions }
    if (abbreviated) return { type: ABBREVIATED_TYPE, body: JSON.stringify({ ...top, modified: '2020-06-01T00:00:00.000Z' }) }
    return { type: 'application/json', body: JSON.stringify({ _id: one.name, ...top, time, readme: `# ${one.name}\n` }) }
  }

  /** The state of a hash after the part that all bodies of a length share. */
  #state(algorithm: string, length: number): Hash {
    const key = `${algorithm} ${length}`
    let state = this.#states.get(key)
    if (!state) {
      state = createHash(algorithm)
      for (let at = 0; at < length; at += PATTERN_BYTES)
        state.update(this.#pattern.subarray(0, Math.min(PATTERN_BYTES, length - at)))
      this.#states.set(key, state)
    }
    return state
  }
}

function tailOf(one: Package, version: number): Buffer {
  return createHash('sha256').update(`${one.name} ${version}`).digest().subarray(0, TAIL_BYTES)
}

/** About so many bytes of dependencies, as JSON. */
function dependencies(bytes: number, version: number): Record<string, string> {
  const entry = (at: number) => [`some-dependency-${at}`, `^${at}.${version}.0`] as const
  return Object.fromEntries(Array.from({ length: Math.ceil(bytes / 32) }, (_, at) => entry(at)))
}
