import { archiveBelow } from './tar.ts'

export interface CrateDependency {
  readonly name: string
  /** A requirement such as `^1`. */
  readonly req: string
  readonly kind?: 'normal' | 'build' | 'dev'
  readonly optional?: boolean
}

export interface CrateInit {
  readonly dependencies?: readonly CrateDependency[]
  /** Further members of the line of the index. */
  readonly more?: object
  /** In place of an archive that cargo can build. */
  readonly archive?: Buffer
  /** Bytes of a file beside the sources, that make the archive so much larger. */
  readonly padding?: Buffer
}

/** An archive as `cargo package` makes it, of a library that compiles. */
export function crateArchive(name: string, version: string, { dependencies = [], padding }: CrateInit): Buffer {
  const tables = dependencies.map(({ name: dependency, req, kind = 'normal', optional = false }) => {
    const table = kind === 'normal' ? 'dependencies' : `${kind}-dependencies`
    return `[${table}.${dependency}]\nversion = "${req}"\noptional = ${optional}\n`
  })
  const manifest = `[package]\nname = "${name}"\nversion = "${version}"\nedition = "2021"\n\n${tables.join('\n')}`
  return archiveBelow(`${name}-${version}`, [
    { path: 'Cargo.toml', bytes: manifest },
    { path: 'src/lib.rs', bytes: `pub const VERSION: &str = "${version}";\n` },
    ...(padding ? [{ path: 'padding.bin', bytes: padding }] : []),
  ])
}

interface LineInit {
  readonly name: string
  readonly version: string
  readonly sha256: string
  readonly dependencies: readonly CrateDependency[]
  readonly yanked: boolean
  readonly more: object
}

/** A line of an index file, in the spelling of the public registry. */
export function indexLine({ name, version, sha256, dependencies, yanked, more }: LineInit): string {
  const deps = dependencies.map(({ name: dependency, req, kind = 'normal', optional = false }) => {
    return { name: dependency, req, features: [], optional, default_features: true, target: null, kind }
  })
  return JSON.stringify({ name, vers: version, deps, cksum: sha256, features: {}, yanked, ...more })
}
