import type { Mirror } from '../protocol.ts'
import { sitesOfAny } from '../sites.ts'
import type { Resource } from './paths.ts'
import { readingsOf } from './readings.ts'

/** The upstreams that may be asked for a resource. Some paths can mean one artifact or another, `a/b/c/` a group or what is in it. */
export function sitesFor(mirror: Mirror, resource: Resource): readonly [string, ...string[]] {
  return sitesOfAny(mirror, namesOf(resource))
}

/** `group:artifact`, or all that a path could mean. */
function namesOf(resource: Resource): readonly string[] {
  switch (resource.kind) {
    case 'checksum':
      return namesOf(resource.of)
    case 'file':
      return readingsOf(resource.path.split('/').slice(0, -1)).map(({ group, artifact }) => `${group}:${artifact}`)
    case 'metadata':
      if (resource.of.what === 'builds') return [`${resource.of.group}:${resource.of.artifact}`]
      return prefixes(resource.of.directory.split('/'))
    default:
      // Without a slash at its end it may be a directory all the same.
      return prefixes(resource.path.split('/'))
  }
}

/** Longest first: what no route binds is named by it in messages. */
function prefixes(directories: readonly string[]): readonly string[] {
  const groups = directories.map((_, at) => directories.slice(0, at + 1).join('.'))
  const artifacts = groups.slice(0, -1).map((group, at) => `${group}:${directories[at + 1]}`)
  return [groups.at(-1) ?? '', ...artifacts, ...groups.slice(0, -1)]
}
