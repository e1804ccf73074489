import { DOCKER_HUB } from '../../node/docker-hub.ts'
import type { Mirror } from '../protocol.ts'
import type { Resource } from './paths.ts'
import { canonicalRegistry } from './registries.ts'

/** Who writes down what is bound leaves `library/` out as well. */
export function namesOf(name: string, { registry = '' }: Mirror): readonly string[] {
  const [, short] = canonicalRegistry(registry) === DOCKER_HUB ? (/^library\/([^/]+)$/.exec(name) ?? []) : []
  return short === undefined ? [name] : [name, short]
}

/** Docker Hub keeps its official images below `library/`, which people leave out. */
export function inMirror<R extends Exclude<Resource, { kind: 'root' }>>(resource: R, { registry = '' }: Mirror): R {
  if (canonicalRegistry(registry) !== DOCKER_HUB || resource.name.includes('/')) return resource
  return { ...resource, name: `library/${resource.name}` }
}
