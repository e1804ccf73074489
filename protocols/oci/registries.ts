import { DOCKER_HUB, DOCKER_HUB_HOST, isDockerHub } from '../../node/docker-hub.ts'
import { WarrenError } from '../../node/errors.ts'
import type { Registries } from '../protocol.ts'

/** Stands for every public registry that a client names. */
export const ANY_REGISTRY = '*'

/** Characters of a host with its port: a DNS name has at most 253. */
const MAX_REGISTRY = 259
const LABEL = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'
const HOST = new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|\\[[0-9a-f:.]+\\])(?::([0-9]{1,5}))?$`, 'i')
/**
 * Names that the public DNS never has (RFC 6761, RFC 6762, RFC 8375, and what ICANN set aside for private use), and those that
 * networks like to give their own machines.
 */
const PRIVATE_NAMES = /(?:^|\.)(?:localhost|local|internal|intranet|private|corp|home|lan|svc|home\.arpa)$/

export const registries: Registries = {
  path: '/v2/',
  builtIn: [
    { name: 'docker-hub', registry: DOCKER_HUB },
    { name: 'ghcr', registry: 'ghcr.io' },
    { name: 'gcr', registry: 'gcr.io' },
    { name: 'quay', registry: 'quay.io' },
  ],
  upstreamsOf: (registry) => (registry === ANY_REGISTRY ? [] : [registryUpstream(registry)]),
}

/** One spelling for a registry: lower case, and `docker.io` for all names of Docker Hub. */
export function canonicalRegistry(registry: string): string {
  const lower = registry.toLowerCase().replace(/:443$/, '')
  return isDockerHub(lower) ? DOCKER_HUB : lower
}

/** Base URL of the registry that image names call so. */
function registryUpstream(registry: string): string {
  const canonical = canonicalRegistry(registry)
  return new URL(`https://${canonical === DOCKER_HUB ? DOCKER_HUB_HOST : canonical}/`).href
}

/** Whether a text is `host[:port]`, in any case. */
export function isRegistry(text: string): boolean {
  const port = text.length <= MAX_REGISTRY ? HOST.exec(text) : null
  return port !== null && (port[1] === undefined || (Number(port[1]) > 0 && Number(port[1]) <= 65_535))
}

/** Whether the first component of an image name is a registry's, and not the beginning of a repository's. */
export function looksLikeRegistry(component: string): boolean {
  return isRegistry(component) && (/[.:]/.test(component) || component.toLowerCase() === 'localhost')
}

/**
 * Base URL of a registry that only a client names. Throws NO_SUCH_MIRROR for what is no name of the public DNS: by addresses and
 * names of the local network, clients would reach through the node what they cannot reach themselves.
 */
export function publicUpstream(registry: string): string {
  const [host = ''] = registry.split(':', 1)
  // What ends in a number is an IPv4 address to a URL parser, in whatever base.
  const isPublic = isRegistry(registry) && /\.[a-z][a-z0-9-]*$/.test(host) && !PRIVATE_NAMES.test(host)
  if (isPublic) return registryUpstream(registry)
  throw new WarrenError(
    'NO_SUCH_MIRROR',
    'only registries with a name of the public DNS are asked without a mirror of their own',
  )
}
