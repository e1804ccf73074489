import { PathGrammar } from '../path-grammar.ts'
import { escapedName, isExactVersion, isPackageName, isTarballFile } from './names.ts'

/** What a path of an npm registry names. `name` is the package with its scope, unescaped. */
export type Resource =
  | { readonly kind: 'packument'; readonly name: string }
  | { readonly kind: 'manifest'; readonly name: string; readonly selector: string }
  | { readonly kind: 'tarball'; readonly name: string; readonly file: string }
  | { readonly kind: 'attestations'; readonly name: string; readonly version: string }
  | { readonly kind: 'dist-tags'; readonly name: string }
  | { readonly kind: 'audit' }
  | { [Kind in Fixed]: { readonly kind: Kind } }[Fixed]

type Fixed = keyof typeof FIXED_PATHS

const paths = new PathGrammar('an npm registry')

/** What the registry's own paths begin with. */
const OWN = '-/'
const FIXED_PATHS = { root: '', ping: '-/ping', whoami: '-/whoami', search: '-/v1/search', keys: '-/npm/v1/keys' } as const
const AUDITS = ['advisories/bulk', 'audits/quick', 'audits'].map((end) => `-/npm/v1/security/${end}`)
const ATTESTATIONS = '-/npm/v1/attestations/'
const DIST_TAGS = /^-\/package\/(.+)\/dist-tags$/

/**
 * Reads a path below the mount, escapes as the client sent them. All spellings of a resource (`%2f`, `%2F`, `/`, `%40`) give
 * the same result. Throws BAD_REQUEST for everything that is no path of an npm registry.
 */
export function parsePath(path: string): Resource {
  if (path === '') return { kind: 'root' }
  const decoded = decode(path)
  if (decoded === '-/all') throw paths.bad(path, 'the list of all packages is not served; search with «-/v1/search?text=…»')
  const resource = parseOwn(decoded) ?? parsePackagePath(decoded)
  if (!resource)
    throw paths.bad(path, 'ask for «package», «package/version», «package/-/file.tgz» or one of the paths under «-/»')
  return resource
}

/** Without empty segments, which no path of npm has. */
function decode(path: string): string {
  return paths.checkSegments(path, paths.decode(path))
}

/** The audit that a POST asks for, if it does. Throws BAD_REQUEST like `parsePath`. */
export function parseAudit(path: string): string | undefined {
  const decoded = path === '' ? '' : decode(path)
  return AUDITS.includes(decoded) ? decoded : undefined
}

/** Of the registry itself. */
function parseOwn(path: string): Resource | undefined {
  if (!path.startsWith(OWN)) return undefined
  return parseFixed(path) ?? parseAttestations(path) ?? parseDistTags(path)
}

function parseFixed(path: string): Resource | undefined {
  if (AUDITS.includes(path)) return { kind: 'audit' }
  for (const [kind, fixed] of Object.entries(FIXED_PATHS)) {
    if (fixed === path) return { kind: kind as Fixed }
  }
  return undefined
}

function parseAttestations(path: string): Resource | undefined {
  if (!path.startsWith(ATTESTATIONS)) return undefined
  const subject = path.slice(ATTESTATIONS.length)
  const at = subject.lastIndexOf('@')
  const name = subject.slice(0, Math.max(at, 0))
  const version = subject.slice(at + 1)
  return isPackageName(name) && isExactVersion(version) ? { kind: 'attestations', name, version } : undefined
}

function parseDistTags(path: string): Resource | undefined {
  const name = DIST_TAGS.exec(path)?.[1]
  return name !== undefined && isPackageName(name) ? { kind: 'dist-tags', name } : undefined
}

function parsePackagePath(path: string): Resource | undefined {
  const segments = path.split('/')
  const name = segments.splice(0, path.startsWith('@') ? 2 : 1).join('/')
  const [first, file] = segments
  if (!isPackageName(name)) return undefined
  if (first === undefined) return { kind: 'packument', name }
  if (segments.length === 2 && first === '-' && file !== undefined && isTarballFile(file))
    return { kind: 'tarball', name, file }
  // A package is called «-»: below it only exact versions are told from the registry's own paths.
  if (segments.length !== 1 || first.startsWith('-') || (name === '-' && !isExactVersion(first))) return undefined
  return { kind: 'manifest', name, selector: first }
}

/** What comes before the file in a path that `upstreamPath` made, with a slash between scope and name. */
export function packageIn(path: string): string {
  const [name = ''] = path.replace(/%2f/i, '/').split('/-/', 1)
  return name
}

/** Where an upstream has a resource, below its base URL: always the same spelling for the same resource. */
export function upstreamPath(resource: Exclude<Resource, { kind: 'audit' }>): string {
  switch (resource.kind) {
    case 'packument':
      return escapedName(resource.name)
    case 'manifest':
      return `${escapedName(resource.name)}/${encodeURIComponent(resource.selector)}`
    case 'tarball':
      return `${resource.name}/-/${resource.file}`
    case 'attestations':
      return `${ATTESTATIONS}${escapedName(resource.name)}@${encodeURIComponent(resource.version)}`
    case 'dist-tags':
      return `-/package/${escapedName(resource.name)}/dist-tags`
    default:
      return FIXED_PATHS[resource.kind]
  }
}
