/**
 * What may stand in an npm path. Looser than what can be published today: old packages have capitals and any of `~'!()*`.
 * All of these characters stay as they are in a URL and in a JSON string, so that a name is its own canonical spelling.
 */
const PART = /^[\w!~*'()-][\w.!~*'()-]*$/
const FILE_VERSION = /^[\w.!~*'()+-]+$/
const TARBALL_FILE = /^[\w!~*'()+@-][\w.!~*'()+@-]*\.tgz$/
const EXACT_VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/

/** Characters, the scope included: the registry's own limit for new names. */
const MAX_NAME = 214
/** Characters: what semver reads at most. */
const MAX_VERSION = 256
/** Asked for by browsers and by broken resolvers, never a package (validate-npm-package-name). */
const NEVER_PACKAGES = new Set(['node_modules', 'favicon.ico'])

export function isPackageName(name: string): boolean {
  if (name.length > MAX_NAME) return false
  const [, scope, plain] = /^@([^/]+)\/([^/]+)$/.exec(name) ?? []
  if (scope !== undefined && plain !== undefined) return PART.test(scope) && isPlainName(plain)
  // So begin the administrative paths of CouchDB, such as `_all_docs` and the endless `_changes`.
  return isPlainName(name) && !/^_[a-z]/.test(name)
}

function isPlainName(name: string): boolean {
  return PART.test(name) && !NEVER_PACKAGES.has(name.toLowerCase())
}

/** A full version by semver 2.0.0 section 2, not a range and not a tag. */
export function isExactVersion(text: string): boolean {
  return text.length <= MAX_VERSION && EXACT_VERSION.test(text)
}

export function isTarballFile(text: string): boolean {
  return text.length <= MAX_NAME + MAX_VERSION + '-.tgz'.length && TARBALL_FILE.test(text)
}

/** Whether a version, as a document spells it, can be part of a tarball's path. */
export function isFileVersion(text: string): boolean {
  return text.length <= MAX_VERSION && FILE_VERSION.test(text)
}

/** The spelling that registries expect in one path segment: `@scope%2fname`. */
export function escapedName(name: string): string {
  return name.replace('/', '%2f')
}

/** The conventional path of a version's tarball below a registry's base: `@scope/name/-/name-1.0.0.tgz`. */
export function tarballPath(name: string, version: string): string {
  return `${name}/-/${filePrefix(name)}${version}.tgz`
}

export function versionInFile(name: string, file: string): string | undefined {
  const prefix = filePrefix(name)
  return file.startsWith(prefix) && file.length > prefix.length + 4 ? file.slice(prefix.length, -4) : undefined
}

function filePrefix(name: string): string {
  return `${name.slice(name.indexOf('/') + 1)}-`
}
