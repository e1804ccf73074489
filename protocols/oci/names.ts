import { type Digest, parseDigest } from '../../node/digest.ts'

/** Characters of a repository's name, with which clients stay below 255 together with the registry's. */
const MAX_NAME = 255
/** Distribution 1.1, «Pulling manifests»: components of lower-case letters and digits, with separators within. */
const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const NAME = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`)
const TAG = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/

export function isRepositoryName(name: string): boolean {
  return name.length <= MAX_NAME && NAME.test(name)
}

export function isTag(reference: string): boolean {
  return TAG.test(reference)
}

/** A digest as images have it; undefined for other algorithms and for what is none. */
export function parseImageDigest(text: string): Digest | undefined {
  const digest = parseDigest(text)
  return digest && (digest.algorithm === 'sha256' || digest.algorithm === 'sha512') ? digest : undefined
}
