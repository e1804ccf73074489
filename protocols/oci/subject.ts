import type { Subject } from '../../node/cache/plan.ts'

/**
 * An image as its package URL names it: the registry, but for Docker Hub, and what is before the last slash are the namespace
 * (purl-spec, type «docker»). `version` is a tag or the digest of a manifest; layers belong to the repository as a whole.
 */
export function subjectOf(repository: string, registry: string | undefined, version?: string): Subject {
  const whole = registry === undefined ? repository : `${registry}/${repository}`
  const slash = whole.lastIndexOf('/')
  return {
    type: 'docker',
    ...(slash < 0 ? {} : { namespace: whole.slice(0, slash) }),
    name: whole.slice(slash + 1),
    ...(version === undefined ? {} : { version }),
  }
}
