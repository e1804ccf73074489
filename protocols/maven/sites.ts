import type { Mirror } from '../protocol.ts'
import { siteOf, sitesOfAny } from '../sites.ts'
import type { Resource } from './paths.ts'
import type { Asked } from './plans.ts'
import { readingsOf } from './readings.ts'

/**
 * The upstreams that may be asked for a resource, in order. Some paths can mean one artifact or another, `a/b/c/` a group or what is
 * in it.
 */
export function sitesFor(mirror: Mirror, resource: Resource): readonly [Asked, ...Asked[]] {
  const bases = sitesOfAny(mirror, namesOf(resource))
  const [first, ...others] = bases.map((base, at): Asked => ({ ...siteOf(mirror, base), isElsewhere: at < bases.length - 1 }))
  return [first as Asked, ...others]
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
