import { parseDigest } from '../../../node/digest.ts'
import { DOCKER_HUB, isDockerHub } from '../../../node/docker-hub.ts'
import { UsageError } from '../exit-codes.ts'

/** An image by the name that people type, as the reference grammar of Docker and containerd reads it. */
export interface ImageReference {
  /** In full: `docker.io/library/alpine:3.20`. */
  readonly text: string
  /** `host[:port]`, lower case. */
  readonly registry: string
  /** Repository within the registry: `library/alpine`. */
  readonly name: string
  /** What its manifest is asked for by: the digest where there is one, else the tag. */
  readonly target: string
}

/** Characters of registry and repository together. */
const MAX_NAME = 255

const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
const REGISTRY = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-f:]+\\])(?::[0-9]{1,5})?$`)
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const TAG = /^\w[\w.-]{0,127}$/

/** Reads `[registry/]name[:tag][@digest]`. Throws UsageError. */
export function parseReference(text: string): ImageReference {
  const [head = '', digest, ...more] = text.split('@')
  const fail = (why: string): never => {
    throw new UsageError(`${JSON.stringify(text)} names no image: ${why}; give [registry/]name[:tag][@digest]`)
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) fail('leave out what stands before the name, up to the «//»')
  if (more.length > 0) fail('there is more than one «@»')
  if (digest !== undefined && !isContentDigest(digest))
    fail(`${JSON.stringify(digest)} is no digest, which is sha256: and 64 or sha512: and 128 digits of lower-case hex`)
  const first = head.split('/', 1)[0] ?? ''
  const named = first.length < head.length && isRegistry(first)
  const { name: path, tag } = splitTag(named ? head.slice(first.length + 1) : head)
  if (tag !== undefined && !TAG.test(tag))
    fail(`${JSON.stringify(tag)} is no tag, which is at most 128 letters, digits, «_», «.» and «-», the first no «.» or «-»`)
  const registry = named ? first.toLowerCase() : DOCKER_HUB
  if (!REGISTRY.test(registry)) fail(`${JSON.stringify(first)} is no registry, which is a host name with or without a port`)
  const wrong = path.split('/').find((part) => !COMPONENT.test(part))
  if (wrong !== undefined) fail(wrongPart(wrong))
  const known = isDockerHub(registry) ? DOCKER_HUB : registry
  const name = known === DOCKER_HUB && !path.includes('/') ? `library/${path}` : path
  if (known.length + 1 + name.length > MAX_NAME) fail(`it is longer than ${MAX_NAME} characters`)
  const given = tag ?? (digest === undefined ? 'latest' : undefined)
  const full = `${known}/${name}${given === undefined ? '' : `:${given}`}${digest === undefined ? '' : `@${digest}`}`
  return { text: full, registry: known, name, target: digest ?? given ?? 'latest' }
}

/** Whether a first component is a registry and no part of a name on Docker Hub. */
function isRegistry(part: string): boolean {
  return /[.:]/.test(part) || part === 'localhost'
}

/** A colon behind the last slash begins a tag; any other would be a port. */
function splitTag(path: string): { name: string; tag: string | undefined } {
  const at = path.indexOf(':', path.lastIndexOf('/') + 1)
  return at < 0 ? { name: path, tag: undefined } : { name: path.slice(0, at), tag: path.slice(at + 1) }
}

function isContentDigest(text: string): boolean {
  const algorithm = parseDigest(text)?.algorithm
  return algorithm === 'sha256' || algorithm === 'sha512'
}

function wrongPart(part: string): string {
  if (part === '') return 'a part of its name is empty'
  if (part !== part.toLowerCase()) return `${JSON.stringify(part)} has upper-case letters, which names do not have`
  return `${JSON.stringify(part)} is no part of a name, which is of letters and digits with single «.», «_», «__» or «-» between`
}
