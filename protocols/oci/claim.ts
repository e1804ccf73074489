import { DOCKER_HUB } from '../../node/docker-hub.ts'
import { WarrenError } from '../../node/errors.ts'
import type { Claim, Mirror } from '../protocol.ts'
import { namespaceOf } from './namespace.ts'
import { ANY_REGISTRY, canonicalRegistry, looksLikeRegistry, publicUpstream, registries } from './registries.ts'

const API = registries.path

/**
 * Which registry a request is for. Clients of mirrors say it in three ways: by `?ns=` (containerd, Docker with its image store,
 * BuildKit; OCI Distribution 1.1, section «Registry Proxying»), by the first component of the name (podman, skopeo), or not at
 * all, which means Docker Hub. And they put the path of a mirror's URL before `/v2/`, behind it, or take it as it is.
 */
export function claim(target: { path: string; query: string }, mirrors: readonly Mirror[]): Claim | undefined {
  // The same path to everybody behind: a registry must not hide from one rule and be found by another.
  const path = target.path.replace(/%2f/gi, '/')
  for (const mirror of mirrors) {
    const rest = mirror.path === API ? undefined : belowMount(path, mirror.path)
    if (rest === undefined) continue
    const ns = namespaceOf(target.query)
    if (ns === undefined || canonicalRegistry(ns) === registryOf(mirror)) return { mirror, path: rest }
    // The mount of one registry must not answer for another; below `/v2/` it may be part of a name there.
    if (!path.startsWith(API)) throw noMirror(ns, mirrors)
  }
  const [, prefix, behind] = /^\/([^/]+)\/v2(?:\/(.*))?$/s.exec(path) ?? []
  const prefixed = prefix === undefined ? undefined : decoded(prefix)
  if (prefixed !== undefined && looksLikeRegistry(prefixed)) {
    const ns = namespaceOf(target.query)
    return { mirror: mirrorOf(ns ?? prefixed, mirrors, ns !== undefined), path: behind ?? '' }
  }
  if (path !== '/v2' && !path.startsWith(API)) return undefined
  return inApi(path.slice(API.length), namespaceOf(target.query), mirrors)
}

function inApi(rest: string, ns: string | undefined, mirrors: readonly Mirror[]): Claim {
  const slash = rest.indexOf('/')
  const first = decoded(slash < 0 ? '' : rest.slice(0, slash))
  // The last two segments are the kind of resource and which one, so that there has to be one more for a name.
  const mayBeRegistry = rest.split('/').length > 3
  if (ns !== undefined) {
    const mirror = mirrorOf(ns, mirrors, true)
    const repeated = mayBeRegistry && looksLikeRegistry(first) && canonicalRegistry(first) === canonicalRegistry(ns)
    return { mirror, path: repeated ? rest.slice(slash + 1) : rest }
  }
  if (mayBeRegistry && looksLikeRegistry(first)) return { mirror: mirrorOf(first, mirrors, false), path: rest.slice(slash + 1) }
  // Whether there is such an endpoint at all (`/v2/`) does not depend on the registry.
  const mirror = rest === '' ? (find(DOCKER_HUB, mirrors) ?? mirrors[0]) : mirrorOf(DOCKER_HUB, mirrors, false)
  return { mirror: mirror as Mirror, path: rest }
}

/** `/mirror/quay/v2/…` (dockerd), `/v2/mirror/quay/…` (BuildKit, podman, containerd with `override_path`), and as it is. */
function belowMount(path: string, mount: string): string | undefined {
  const start = [`/v2${mount}`, `${mount}v2/`, mount].find((one) => `${path}/`.startsWith(one))
  return start === undefined ? undefined : path.slice(start.length)
}

function mirrorOf(registry: string, mirrors: readonly Mirror[], onDemand: boolean): Mirror {
  const name = canonicalRegistry(registry)
  const mirror = find(name, mirrors)
  if (mirror) return mirror
  const any = onDemand ? find(ANY_REGISTRY, mirrors) : undefined
  if (!any) throw noMirror(registry, mirrors)
  return { ...any, registry: name, upstreams: [publicUpstream(name)], onDemand: true }
}

function find(name: string, mirrors: readonly Mirror[]): Mirror | undefined {
  return mirrors.find((mirror) => registryOf(mirror) === name)
}

function registryOf({ registry = '' }: Mirror): string {
  return canonicalRegistry(registry)
}

function decoded(component: string): string {
  try {
    return decodeURIComponent(component)
  } catch {
    return component
  }
}

function noMirror(registry: string, mirrors: readonly Mirror[]): WarrenError {
  const known = mirrors.flatMap((mirror) => (mirror.registry === ANY_REGISTRY ? [] : (mirror.registry ?? []))).join(', ')
  const shown = registry.replace(/[^!-~]/g, '?').slice(0, 80)
  return new WarrenError(
    'NO_SUCH_MIRROR',
    `no mirror is for the registry «${shown}»; there are mirrors for ${known}, and a further one is a line under mirrors: { protocol: oci, registry: ${shown} }`,
  )
}
