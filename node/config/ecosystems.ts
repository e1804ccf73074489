import type { Protocol } from '../../protocols/protocol.ts'

/** What the configuration has to know of a protocol. */
export type Ecosystem = Pick<
  Protocol,
  'name' | 'defaultUpstreams' | 'builtIn' | 'mounts' | 'settings' | 'names' | 'registries' | 'rootAliases'
>

/** A mirror that there is without anybody asking for it. */
export interface BuiltInMirror {
  readonly name: string
  readonly protocol: string
  readonly path: string
  readonly upstreams: readonly string[]
  /** How clients name the registry, where all mirrors of the protocol share a path. */
  readonly registry?: string
}

/** What a node offers before anybody configures it: a mirror of each protocol, or of each of its well-known registries. */
export function builtInMirrors(ecosystems: readonly Ecosystem[]): BuiltInMirror[] {
  return ecosystems.flatMap(({ name: protocol, defaultUpstreams: upstreams, builtIn, registries }): BuiltInMirror[] => {
    if (registries) {
      const { path, upstreamsOf } = registries
      return registries.builtIn.map(({ name, registry }) => {
        return { name, protocol, path, upstreams: upstreamsOf(registry), registry }
      })
    }
    if (builtIn === false) return []
    const { name, path } = builtIn ?? { name: protocol, path: `/${protocol}/` }
    return [{ name, protocol, path, upstreams }]
  })
}
