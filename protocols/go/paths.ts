import { PathGrammar } from '../path-grammar.ts'
import { escapeCase, isCanonical, isModulePath, isQuery, unescapeCase } from './names.ts'
import { parseTile, type Tile, tilePath } from './tiles.ts'

/** What a path of a module proxy names. Modules and versions are as people write them, capital letters and all. */
export type Resource = ModuleResource | DatabaseResource
export type ModuleResource = NameResource | VersionResource

interface NameResource {
  readonly kind: 'list' | 'latest'
  readonly module: string
}

/** `version` is a full one, or that of an info the name of a branch, a commit or the beginning of a version. */
export interface VersionResource {
  readonly kind: 'info' | 'mod' | 'zip'
  readonly module: string
  readonly version: string
}

/** What a path below `sumdb/` names: the database that it is of, and what of it. */
export type DatabaseResource = { readonly database: string } & (
  | { readonly kind: 'supported' | 'head' }
  | { readonly kind: 'record'; readonly module: string; readonly version: string }
  | { readonly kind: 'tile'; readonly tile: Tile }
)

const paths = new PathGrammar('a Go module proxy')

const USAGE = 'ask for «module/@v/list», «module/@v/version.info», «.mod» or «.zip», «module/@latest» or «sumdb/name/…»'

const MODULE = /^([^@]+)\/@(?:(latest)|v\/(list)|v\/([^/]+)\.(info|mod|zip))$/
const DATABASE = /^sumdb\/([\w.:~/-]+?)\/(supported|latest|lookup\/[^@]+@[^@/]+|tile\/.+)$/

/**
 * Reads a path below the mount. `%21big` and `!big` give the same result, and a capital letter none: a file server could take it
 * for the small one. Throws BAD_REQUEST for everything that is no path of a module proxy (`go help goproxy`).
 */
export function parsePath(path: string): Resource {
  if (path === '') throw paths.bad(path, USAGE)
  const decoded = paths.checkSegments(path, paths.decode(path))
  const [, mount, latest, list, query, ending] = MODULE.exec(decoded) ?? []
  if (mount !== undefined) {
    const module = readModule(path, mount)
    if (latest ?? list) return { kind: latest ? 'latest' : 'list', module }
    return { kind: ending as 'info' | 'mod' | 'zip', module, version: readVersion(path, query ?? '', ending !== 'info') }
  }
  const [, database, what = ''] = DATABASE.exec(decoded) ?? []
  if (database !== undefined) return readDatabase(path, database, what)
  throw paths.bad(path, USAGE)
}

function readDatabase(path: string, database: string, what: string): DatabaseResource {
  if (what === 'supported') return { kind: 'supported', database }
  if (what === 'latest') return { kind: 'head', database }
  if (what.startsWith('lookup/')) {
    const [module = '', version = ''] = what.slice('lookup/'.length).split('@')
    return { kind: 'record', database, module: readModule(path, module), version: readVersion(path, version, true) }
  }
  const tile = parseTile(what)
  if (tile) return { kind: 'tile', database, tile }
  throw paths.bad(path, 'a tile is «tile/height/level/number», with «.p/width» behind it if it is not full')
}

function readModule(path: string, escaped: string): string {
  const module = plainCase(path, escaped)
  if (isModulePath(module)) return module
  throw paths.bad(path, 'the path of a module begins with a host name, and has letters, digits and -._~ in it')
}

function readVersion(path: string, escaped: string, needsCanonical: boolean): string {
  const version = plainCase(path, escaped)
  if (needsCanonical ? isCanonical(version) : isQuery(version)) return version
  throw needsCanonical
    ? paths.bad(path, 'it needs a full version, such as v1.2.3; what another name stands for is in its «.info»')
    : paths.bad(path, 'the name of a version, branch or commit has letters, digits and -._~+ in it')
}

function plainCase(path: string, text: string): string {
  const plain = unescapeCase(text)
  if (plain !== undefined) return plain
  throw paths.bad(path, 'capital letters are written as «!» and the small letter, and «!» stands nowhere else')
}

/** Where an upstream has a resource, below its base URL: always the same spelling for the same resource. */
export function upstreamPath(resource: Resource): string {
  switch (resource.kind) {
    case 'list':
      return `${escapeCase(resource.module)}/@v/list`
    case 'latest':
      return `${escapeCase(resource.module)}/@latest`
    case 'supported':
      return `sumdb/${resource.database}/supported`
    case 'head':
      return `sumdb/${resource.database}/latest`
    case 'record':
      return `sumdb/${resource.database}/lookup/${escapeCase(resource.module)}@${escapeCase(resource.version)}`
    case 'tile':
      return `sumdb/${resource.database}/${tilePath(resource.tile)}`
    default:
      return `${escapeCase(resource.module)}/@v/${escapeCase(resource.version)}.${resource.kind}`
  }
}
