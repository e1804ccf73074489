import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tarballPath } from './npm-kinds.ts'

/** Entry of a lockfile of version 3; only what the harness itself reads or writes. */
export interface LockEntry {
  readonly name?: string
  readonly version?: string
  readonly resolved?: string
  readonly integrity?: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly bin?: Readonly<Record<string, string>>
  readonly optional?: boolean
}

export interface Lockfile {
  readonly name: string
  readonly version: string
  readonly lockfileVersion: 3
  readonly requires: true
  /** By place: '' is the project itself, else `node_modules/…`. */
  readonly packages: Readonly<Record<string, LockEntry>>
}

/** A project that npm can install. */
export interface Project {
  readonly manifest: {
    readonly name: string
    readonly version: string
    readonly dependencies: Readonly<Record<string, string>>
  }
  readonly lock?: Lockfile
}

/** Folder of a fixture project: `small` has a few tiny packages, `big` more than 300. */
export function fixtureProject(name: 'small' | 'big'): string {
  return fileURLToPath(new URL(`../fixtures/projects/${name}`, import.meta.url))
}

export function readProject(folder: string): Project & { readonly lock: Lockfile } {
  return { manifest: readJson(join(folder, 'package.json')), lock: readJson(join(folder, 'package-lock.json')) }
}

/** Name and version of each locked package, once each. */
export function lockedPackages(lock: Lockfile): { name: string; version: string }[] {
  const found = new Map<string, { name: string; version: string }>()
  for (const [place, entry] of Object.entries(lock.packages)) {
    const name = nameOf(place, entry)
    if (place !== '' && entry.version !== undefined) found.set(`${name}@${entry.version}`, { name, version: entry.version })
  }
  return [...found.values()]
}

/**
 * The same project with tarball URLs of `registry` in its lockfile. With them `npm ci` asks for tarballs only; without
 * them it first asks for the document of every package.
 */
export function withTarballUrls(
  project: Project & { readonly lock: Lockfile },
  registry: string,
): Project & { readonly lock: Lockfile } {
  const base = registry.endsWith('/') ? registry : `${registry}/`
  const packages = Object.entries(project.lock.packages).map(([place, entry]) => {
    if (place === '' || entry.version === undefined) return [place, entry] as const
    const name = nameOf(place, entry)
    return [place, { ...entry, resolved: base + tarballPath(name, entry.version).slice(1) }] as const
  })
  return { ...project, lock: { ...project.lock, packages: Object.fromEntries(packages) } }
}

/** An aliased package says its name, any other is called as its folder. */
function nameOf(place: string, entry: LockEntry): string {
  return entry.name ?? place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

function readJson<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8'))
}
