import { MAX_MIRRORS } from './constants.ts'
import type { BuiltInMirror } from './defaults.ts'
import type { Given, Problems } from './problems.ts'
import type { MirrorConfig, MirrorEntry } from './schema.ts'

/** A mirror that somebody wrote down. */
export interface WrittenMirror {
  readonly name: string
  readonly given: Given
  /** False takes the mirror away. */
  readonly entry: MirrorEntry | false
  /** Whether a layer below has a mirror of this name, too. */
  readonly shadows: boolean
}

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

/** Paths that Warren itself answers. */
const OWN_PATHS = ['/admin/', '/metrics/', '/healthz/', '/readyz/']
/** The specification gives clients of images no other path (OCI Distribution 1.1, section «Endpoints»). */
const OCI_PATH = { prefix: '/v2/', protocol: 'oci' }

/** Stands for every public registry that a client names. */
const ANY_REGISTRY = '*'

/** Completes what is written from the built-in mirrors, and checks what concerns more than one mirror. */
export function resolveMirrors(
  written: readonly WrittenMirror[],
  builtIns: readonly BuiltInMirror[],
  problems: Problems,
): MirrorConfig[] {
  const byName = new Map(written.map((mirror) => [mirror.name, mirror]))
  const names = new Set([...builtIns.map(({ name }) => name), ...byName.keys()])
  const all = [...names].flatMap((name) => {
    const mirror = byName.get(name)
    const builtIn = builtIns.find((one) => one.name === name)
    return (mirror ? resolve(mirror, builtIns, problems) : builtIn && complete(name, builtIn, {})) ?? []
  })
  if (all.length > MAX_MIRRORS) problems.add(`mirrors: there are ${all.length}, but a node has at most ${MAX_MIRRORS}`)
  else {
    for (const mirror of all) {
      // Where a built-in mirror and a written one collide, the written one is to be mended.
      const given = byName.get(mirror.name)?.given
      const clash = given && clashOf(mirror, { all, builtIns, written: byName })
      if (clash) problems.wrong({ ...given, value: { ...Object(given.value), path: mirror.path } }, ['path'], clash)
      const twin = all.find((one) => one !== mirror && isSameRegistry(one, mirror, builtIns))
      if (given && twin) problems.wrong(given, ['registry'], `another one: mirrors.${twin.name} is for it already`)
    }
  }
  return all
}

function resolve(
  { name, given, entry, shadows }: WrittenMirror,
  builtIns: readonly BuiltInMirror[],
  problems: Problems,
): MirrorConfig | undefined {
  const namesake = builtIns.find((mirror) => mirror.name === name)
  if (!NAME.test(name)) {
    problems.add(
      `${given.whereOf?.([], 'key') ?? given.where}: ${given.key.slice(0, 80)} must have a name of small letters, digits and -, such as mirrors.npm-corp`,
    )
    return undefined
  }
  if (entry === false) {
    const known = builtIns.map((mirror) => mirror.name).join(', ')
    if (!namesake && !shadows)
      problems.add(
        `${given.where}: ${given.key} is false, but there is no mirror of that name to take away; built in are ${known}`,
      )
    return undefined
  }
  const protocols = new Set(builtIns.map((mirror) => mirror.protocol))
  const protocol = entry.protocol ?? namesake?.protocol
  if (protocol === undefined || !protocols.has(protocol)) {
    problems.wrong(given, ['protocol'], `one of ${[...protocols].join(', ')}`)
    return undefined
  }
  // With another protocol the name is all that they share; and no new mirror asks a public registry without being told to.
  const kin = builtIns.find((mirror) => mirror.protocol === protocol)
  const base = namesake?.protocol === protocol ? namesake : newMirror(name, protocol, kin, entry.registry)
  const odd = kin?.registry === undefined ? 'registry' : 'tarballUrls'
  if (entry[odd] !== undefined) problems.wrong(given, [odd], `left out: ${protocol} has no such thing`)
  const mirror = complete(name, base, entry)
  if (kin?.registry !== undefined && mirror.registry === undefined) {
    problems.wrong(given, ['registry'], 'the registry that this mirror is for, such as registry.k8s.io')
    return undefined
  }
  if (mirror.registry === ANY_REGISTRY && entry.upstreams) {
    problems.wrong(given, ['upstreams'], 'left out: the registry that a client names is asked')
    return undefined
  }
  if (mirror.registry !== ANY_REGISTRY && mirror.upstreams.length === 0) {
    problems.wrong(given, ['upstreams'], 'a list of the URLs that this mirror asks')
    return undefined
  }
  const apiPath = kin?.registry === undefined ? -1 : mirror.upstreams.findIndex((url) => /\/v2\/$/.test(url))
  if (apiPath >= 0) problems.wrong(given, ['upstreams', apiPath], 'a URL without /v2/ at its end, which is added to it')
  const twice = mirror.upstreams.findIndex((url, i) => mirror.upstreams.indexOf(url) < i)
  if (twice >= 0) problems.wrong(given, ['upstreams', twice], 'a URL that the list does not have yet')
  return mirror
}

type Base = Pick<BuiltInMirror, 'protocol' | 'path' | 'upstreams' | 'registry' | 'upstreamsOf'>

function newMirror(name: string, protocol: string, kin: BuiltInMirror | undefined, registry: string | undefined): Base {
  if (!kin?.upstreamsOf) return { protocol, path: `/${name}/`, upstreams: [] }
  const { path, upstreamsOf } = kin
  return { protocol, path, upstreams: registry === undefined ? [] : upstreamsOf(registry), upstreamsOf }
}

function complete(name: string, base: Base, entry: MirrorEntry): MirrorConfig {
  const { protocol, upstreamsOf } = base
  const registry = entry.registry ?? base.registry
  const moved = entry.registry !== undefined && entry.registry !== base.registry && upstreamsOf?.(entry.registry)
  const mirror = {
    name,
    protocol,
    path: entry.path ?? base.path,
    upstreams: entry.upstreams ?? (moved || base.upstreams),
    local: entry.local ?? false,
  }
  return upstreamsOf
    ? { ...mirror, ...(registry === undefined ? {} : { registry }) }
    : { ...mirror, tarballUrls: entry.tarballUrls ?? 'rewrite' }
}

interface Surroundings {
  readonly all: readonly MirrorConfig[]
  readonly builtIns: readonly BuiltInMirror[]
  readonly written: ReadonlyMap<string, WrittenMirror>
}

/** What the path must be instead, if it stands in the way of something. */
function clashOf(mirror: MirrorConfig, { all, builtIns, written }: Surroundings): string | undefined {
  const own = OWN_PATHS.find((path) => mirror.path.startsWith(path))
  if (own) return `outside ${own}, which Warren itself answers`
  const asked = [
    OCI_PATH,
    ...builtIns.flatMap(({ protocol, rootAliases }) => rootAliases.map((prefix) => ({ prefix, protocol }))),
  ]
  const alias = asked.find(({ prefix, protocol }) => protocol !== mirror.protocol && overlap(prefix, mirror.path))
  if (alias) return `outside ${alias.prefix}, where clients of ${alias.protocol} ask`
  const at = all.indexOf(mirror)
  // A mount within a mount would hide what the outer one has under that name.
  const others = all.filter((one, i) => one !== mirror && (i < at || !written.has(one.name)))
  const other = others.find((one) => overlap(one.path, mirror.path) && !(isShared(one) && isShared(mirror)))
  return other && `apart from ${other.path}, the path of mirrors.${other.name}`
}

/** By what they stand for: some registries have several names. */
function isSameRegistry(one: MirrorConfig, other: MirrorConfig, builtIns: readonly BuiltInMirror[]): boolean {
  if (one.registry === undefined || other.registry === undefined || one.protocol !== other.protocol) return false
  const upstreamsOf = builtIns.find(({ protocol }) => protocol === one.protocol)?.upstreamsOf
  const [first] = upstreamsOf?.(one.registry) ?? []
  return one.registry === other.registry || (first !== undefined && first === upstreamsOf?.(other.registry)[0])
}

/** Mirrors of registries share the path that their clients' specification prescribes. */
function isShared({ registry, path }: MirrorConfig): boolean {
  return registry !== undefined && path === OCI_PATH.prefix
}

function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one)
}
