import type { Mirror } from '../protocols/protocol.ts'

type Asking = Pick<Mirror, 'upstreams' | 'routes'>

/** Base URLs of all upstreams that the settings name. */
export function basesOf(mirrors: readonly Asking[]): string[] {
  return mirrors.flatMap(({ upstreams, routes = [] }) => [...upstreams, ...routes.flatMap((one) => one.upstream ?? [])])
}

/** Their hosts, with their ports where they have one. */
export function configuredHosts(mirrors: readonly Asking[]): ReadonlySet<string> {
  return new Set(basesOf(mirrors).map((base) => new URL(base).host))
}
