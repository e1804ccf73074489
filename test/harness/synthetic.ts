import { createHash } from 'node:crypto'
import { ABBREVIATED_TYPE, tarballPath } from './npm-kinds.ts'
import type { LockEntry, Lockfile, Project } from './project.ts'
import { Random } from './random.ts'
import { MemoryRecording } from './recording.ts'
import { packageArchive } from './tar.ts'

/** Where the registry claims to live. Nothing answers there: whoever asks this host did not rewrite a document. */
const BASE = 'http://registry.example.test/'
const FIRST_PUBLISHED = Date.UTC(2020, 0, 1)
const DAY_MS = 86_400_000
const IMMUTABLE = 'public, max-age=31536000, immutable'

export interface SyntheticInit {
  /** Ordinary packages, one in eight of them scoped. */
  readonly packages?: number
  /** Versions of each. The newest is `latest` and what others depend on. */
  readonly versions?: number
  /** Fewest and most bytes of incompressible content of a package. */
  readonly bytes?: readonly [number, number]
  readonly seed?: number
  /** Adds packages that trip naive code: names of Object.prototype, odd tarball names, sha1 only. Default: true. */
  readonly odd?: boolean
}

export interface SyntheticPackage {
  readonly name: string
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
  /** Canonical path of the tarball. */
  readonly tarball: string
  readonly archive: Buffer
  /** Undefined for packages from before integrity strings: then only the sha1 is known. */
  readonly integrity: string | undefined
  /** Hex sha1. */
  readonly shasum: string
}

interface Oddity {
  readonly name: string
  readonly tarball?: (version: string) => string
  readonly sha1Only?: boolean
  /** Served, but nothing depends on it. */
  readonly lonely?: boolean
}

const ODDITIES: readonly Oddity[] = [
  // npm itself looks its dependents' edges up on Object.prototype and gives up on a lockfile with this name (seen with 11.19).
  { name: 'constructor', lonely: true },
  { name: '@scope/constructor' },
  { name: 'odd-tarball', tarball: (version) => `/odd-tarball/-/Release_of_odd.v${version}+x.tgz` },
  { name: 'far-tarball', tarball: (version) => `/files/f/ar/${version}/download.tgz` },
  { name: 'sha1-only', sha1Only: true },
]

/** An npm registry that was never anywhere: served by a replay, it answers all that a client asks, without any network. */
export class SyntheticRegistry {
  readonly recording = new MemoryRecording(BASE)
  /** Newest version of each package. */
  readonly latest: SyntheticPackage[] = []
  readonly #lonely = new Set<string>()
  readonly #random: Random
  readonly #init: Required<SyntheticInit>

  constructor(init: SyntheticInit = {}) {
    this.#init = { packages: 20, versions: 2, bytes: [200, 4000], seed: 1, odd: true, ...init }
    this.#random = new Random(this.#init.seed)
    for (let at = 0; at < this.#init.packages; at++) {
      this.publish({ name: at % 8 === 7 ? `@scope/part-${at}` : `part-${at}` }, this.#someDependencies())
    }
    if (this.#init.odd) for (const oddity of ODDITIES) this.publish(oddity, this.#someDependencies())
  }

  /** Adds a package with all its versions and documents, or replaces it. */
  publish(oddity: Oddity, dependencies: Readonly<Record<string, string>> = {}): SyntheticPackage {
    const versions: SyntheticPackage[] = []
    for (let minor = 0; minor < this.#init.versions; minor++) {
      versions.push(this.#make(oddity, `1.${minor}.0`, minor === this.#init.versions - 1 ? dependencies : {}))
    }
    this.#record(oddity.name, versions)
    const newest = versions.at(-1)
    if (!newest) throw new RangeError('a package has at least one version')
    this.latest.push(newest)
    if (oddity.lonely) this.#lonely.add(oddity.name)
    return newest
  }

  /** The newest version of each package that a project can depend on. */
  get installable(): SyntheticPackage[] {
    return this.latest.filter(({ name }) => !this.#lonely.has(name))
  }

  /** A project that depends on every installable package, with its lockfile. @param registry puts tarball URLs of this registry in it */
  project(registry?: string): Project & { readonly lock: Lockfile } {
    const dependencies = Object.fromEntries(this.installable.map(({ name, version }) => [name, version]))
    const manifest = { name: 'synthetic-project', version: '1.0.0', dependencies }
    const packages: Record<string, LockEntry> = { '': manifest }
    for (const one of this.installable) {
      const integrity = one.integrity ?? `sha1-${Buffer.from(one.shasum, 'hex').toString('base64')}`
      const needs = Object.keys(one.dependencies).length > 0 ? { dependencies: one.dependencies } : {}
      const resolved = registry === undefined ? {} : { resolved: registry.replace(/\/$/, '') + one.tarball }
      packages[`node_modules/${one.name}`] = { version: one.version, ...resolved, integrity, bin: binOf(one.name), ...needs }
    }
    const { name, version } = manifest
    return { manifest, lock: { name, version, lockfileVersion: 3, requires: true, packages } }
  }

  #someDependencies(): Record<string, string> {
    const dependencies: Record<string, string> = {}
    const others = this.installable
    for (let left = this.#random.between(0, 3); left > 0 && others.length > 0; left--) {
      const other = others[this.#random.between(0, others.length - 1)]
      if (other) dependencies[other.name] = `^${other.version}`
    }
    return dependencies
  }

  #make(oddity: Oddity, version: string, dependencies: Readonly<Record<string, string>>): SyntheticPackage {
    const { name } = oddity
    const manifest = { name, version, main: 'index.js', bin: binOf(name), dependencies }
    const archive = packageArchive([
      { path: 'package.json', bytes: JSON.stringify(manifest, null, 2) },
      { path: 'index.js', bytes: `module.exports = ${JSON.stringify(`${name}@${version}`)}\n` },
      { path: 'run.js', bytes: '#!/usr/bin/env node\n', executable: true },
      { path: 'content.bin', bytes: this.#random.bytes(this.#random.between(...this.#init.bytes)) },
    ])
    const digest = (algorithm: string) => createHash(algorithm).update(archive)
    return {
      name,
      version,
      dependencies,
      tarball: oddity.tarball?.(version) ?? tarballPath(name, version),
      archive,
      integrity: oddity.sha1Only ? undefined : `sha512-${digest('sha512').digest('base64')}`,
      shasum: digest('sha1').digest('hex'),
    }
  }

  #record(name: string, versions: readonly SyntheticPackage[]): void {
    const manifests = new Map(versions.map((one) => [one.version, manifestOf(one)]))
    const times = versions.map((one, at) => [one.version, new Date(FIRST_PUBLISHED + at * DAY_MS).toISOString()])
    const top = {
      name,
      'dist-tags': { latest: versions.at(-1)?.version },
      versions: Object.fromEntries(manifests),
    }
    const full = { _id: name, ...top, time: Object.fromEntries(times), readme: `# ${name}\n` }
    this.#document(name, full)
    this.#document(name, { ...top, modified: times.at(-1)?.[1] }, ABBREVIATED_TYPE, 'abbreviated')
    for (const [version, manifest] of manifests) this.#document(`${name}/${version}`, manifest)
    this.#document(`${name}/latest`, [...manifests.values()].at(-1))
    for (const one of versions) {
      this.recording.record(
        one.tarball,
        200,
        { 'content-type': 'application/octet-stream', 'cache-control': IMMUTABLE },
        one.archive,
      )
    }
  }

  #document(path: string, value: unknown, type = 'application/json', variant = ''): void {
    const headers = { 'content-type': type, 'cache-control': 'public, max-age=300', vary: 'Accept, Accept-Encoding' }
    this.recording.record(`/${path}`, 200, headers, Buffer.from(JSON.stringify(value)), variant)
  }
}

function binOf(name: string): Record<string, string> {
  return { [`run-${name.replace(/\W/g, '-')}`]: 'run.js' }
}

function manifestOf(one: SyntheticPackage) {
  const tarball = new URL(one.tarball, BASE).href
  const integrity = one.integrity === undefined ? {} : { integrity: one.integrity }
  return {
    name: one.name,
    version: one.version,
    main: 'index.js',
    bin: binOf(one.name),
    dependencies: one.dependencies,
    dist: { ...integrity, shasum: one.shasum, tarball },
  }
}
