import type { MirrorConfig } from '../../node/config/schema.ts'
import type { ScriptedHub } from './scripted-hub.ts'

/** Mirrors for registries that scripted ones stand in for, by the name of the registry. */
export function imageMirrors(hubs: Readonly<Record<string, Pick<ScriptedHub, 'origin'>>>): MirrorConfig[] {
  return Object.entries(hubs).map(([registry, { origin }]) => ({
    name: registry.replace(/[^a-z0-9]/g, '-'),
    protocol: 'oci',
    path: '/v2/',
    registry,
    upstreams: [`${origin}/`],
    local: false,
  }))
}
