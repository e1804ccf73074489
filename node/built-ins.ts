import { protocols } from '../protocols/index.ts'
import type { Protocol } from '../protocols/protocol.ts'
import type { BuiltInMirror } from './config/defaults.ts'

/**
 * What a node offers before anybody configures it: one mirror for each built-in protocol, at `/<protocol>/`, or for each of its
 * well-known registries.
 */
export const builtIns: readonly BuiltInMirror[] = protocols.flatMap((protocol): readonly BuiltInMirror[] => {
  const { name, defaultUpstreams, rootAliases, registries } = protocol
  if (registries) return builtInRegistries(protocol, registries)
  return [{ name, protocol: name, path: `/${name}/`, upstreams: defaultUpstreams, rootAliases }]
})

function builtInRegistries(
  { name: protocol, rootAliases }: Protocol,
  { path, builtIn, upstreamsOf }: NonNullable<Protocol['registries']>,
): BuiltInMirror[] {
  return builtIn.map(({ name, registry }) => {
    return { name, protocol, path, upstreams: upstreamsOf(registry), rootAliases, registry, upstreamsOf }
  })
}
