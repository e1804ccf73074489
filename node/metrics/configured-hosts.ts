import type { MirrorConfig } from '../config/schema.ts'

/** Hosts of all upstreams that the settings name, with their ports where they have one. */
export function configuredHosts(mirrors: readonly Pick<MirrorConfig, 'upstreams' | 'routes'>[]): ReadonlySet<string> {
  const bases = mirrors.flatMap(({ upstreams, routes = [] }) => [...upstreams, ...routes.flatMap((one) => one.upstream ?? [])])
  return new Set(bases.map((base) => new URL(base).host))
}
