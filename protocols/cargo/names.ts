/** What cargo takes for a name of a package, in ASCII: registries take no other letters. */
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*$/
/** Semantic Versioning 2.0.0 section 2, 9 and 10; cargo takes nothing less for a version that is published. */
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/

/** Characters; the public registry takes 64. */
const MAX_NAME = 128
const MAX_VERSION = 256

export function isCrateName(text: string): boolean {
  return text.length <= MAX_NAME && NAME.test(text)
}

export function isVersion(text: string): boolean {
  return text.length <= MAX_VERSION && VERSION.test(text)
}

/** The folders of a crate's index file, in the case of the name: `1`, `2`, `3/a` or `ab/cd`. */
export function prefixOf(name: string): string {
  if (name.length <= 2) return String(name.length)
  return name.length === 3 ? `3/${name.slice(0, 1)}` : `${name.slice(0, 2)}/${name.slice(2, 4)}`
}

/** Where an index has a crate (The Cargo Book, «Index Files»), below its base: always in lower case. */
export function indexPath(name: string): string {
  const lower = name.toLowerCase()
  return `${prefixOf(lower)}/${lower}`
}

/** One spelling for all that a registry takes for the same name: neither case nor `-` or `_` tells two crates apart. */
export function foldedName(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}
