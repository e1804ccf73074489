import type { MirrorSetting } from '../../protocols/protocol.ts'
import { MAX_MIRRORS } from './constants.ts'
import { type BuiltInMirror, builtInMirrors, type Ecosystem } from './ecosystems.ts'
import type { MirrorEntry } from './mirror-entry.ts'
import { namedIn, type Sites, sitesIn } from './mirror-sites.ts'
import type { Given, Problems } from './problems.ts'
import type { MirrorConfig } from './schema.ts'

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

/** What only some protocols have. */
const SETTINGS = ['tarballUrls', 'fileHosts', 'sumdb', 'immutable', 'mutable', 'pins'] as const satisfies MirrorSetting[]

/** Stands for every public registry that a client names. */
const ANY_REGISTRY = '*'

/** Completes what is written from the built-in mirrors, and checks what concerns more than one mirror. */
export function resolveMirrors(
  written: readonly WrittenMirror[],
  ecosystems: readonly Ecosystem[],
  problems: Problems,
): MirrorConfig[] {
  const builtIns = builtInMirrors(ecosystems)
  const byName = new Map(written.map((mirror) => [mirror.name, mirror]))
  const names = new Set([...builtIns.map(({ name }) => name), ...byName.keys()])
  const all = [...names].flatMap((name) => {
    const mirror = byName.get(name)
    const builtIn = builtIns.find((one) => one.name === name)
    if (mirror) return resolve(mirror, { ecosystems, builtIns }, problems) ?? []
    const ecosystem = ecosystems.find((one) => one.name === builtIn?.protocol)
    return builtIn && ecosystem ? complete({ ...builtIn, local: false }, ecosystem, {}) : []
  })
  if (all.length > MAX_MIRRORS) problems.add(`mirrors: there are ${all.length}, but a node has at most ${MAX_MIRRORS}`)
  else {
    for (const mirror of all) {
      // Where a built-in mirror and a written one collide, the written one is to be mended.
      const given = byName.get(mirror.name)?.given
      if (given) checkPlace(mirror, given, { all, ecosystems, written: byName }, problems)
    }
  }
  return all
}

/** Completes one mirror that is written; undefined where it takes one away, or something is wrong with it. */
export function resolveMirror(
  written: WrittenMirror,
  ecosystems: readonly Ecosystem[],
  problems: Problems,
): MirrorConfig | undefined {
  return resolve(written, { ecosystems, builtIns: builtInMirrors(ecosystems) }, problems)
}

/** Whether a mirror stands in the way of others, or for the same registry; `given` is what is to be mended then. */
export function checkPlace(mirror: MirrorConfig, given: Given, around: Surroundings, problems: Problems): void {
  const clash = clashOf(mirror, around)
  if (clash) problems.wrong({ ...given, value: { ...Object(given.value), path: mirror.path } }, ['path'], clash)
  const twin = around.all.find((one) => one !== mirror && isSameRegistry(one, mirror, around.ecosystems))
  if (twin) problems.wrong(given, ['registry'], `another one: mirrors.${twin.name} is for it already`)
}

interface Known {
  readonly ecosystems: readonly Ecosystem[]
  readonly builtIns: readonly BuiltInMirror[]
}

function resolve(
  { name, given, entry, shadows }: WrittenMirror,
  { ecosystems, builtIns }: Known,
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
  const protocol = entry.protocol ?? namesake?.protocol
  const ecosystem = ecosystems.find((one) => one.name === protocol)
  if (!ecosystem) {
    problems.wrong(given, ['protocol'], `one of ${ecosystems.map((one) => one.name).join(', ')}`)
    return undefined
  }
  for (const odd of oddSettings(entry, ecosystem)) problems.wrong(given, [odd], `left out: ${ecosystem.name} has no such thing`)
  // With another protocol the name is all that they share; and no new mirror asks a public registry without being told to.
  const base = namesake?.protocol === ecosystem.name ? namesake : newMirror(name, ecosystem)
  const registry = ecosystem.registries && (entry.registry ?? base.registry)
  if (ecosystem.registries && registry === undefined) {
    problems.wrong(given, ['registry'], 'the registry that this mirror is for, such as registry.k8s.io')
    return undefined
  }
  const named = namedIn(entry, given)
  const steered = (['upstreams', 'routes'] as const).find((key) => entry[key] !== undefined)
  if (registry === ANY_REGISTRY && steered !== undefined) {
    problems.wrong(given, [steered], 'left out: the registry that a client names is asked')
    return undefined
  }
  const usual =
    registry === undefined || registry === base.registry ? base.upstreams : ecosystem.registries?.upstreamsOf(registry)
  const sites = sitesIn({ entry, given, usual: usual ?? [] }, ecosystem.names, problems)
  if (registry !== ANY_REGISTRY && sites.upstreams.length === 0 && named.length === 0) {
    problems.wrong(given, ['upstreams'], 'a list of the URLs that this mirror asks')
    return undefined
  }
  const api = registry === undefined ? undefined : named.find(({ url }) => /\/v2\/$/.test(url))
  if (api) problems.wrong(given, api.path, 'a URL without /v2/ at its end, which is added to it')
  const { path = base.path, local = false } = entry
  return complete({ name, path, local, ...sites, ...(registry === undefined ? {} : { registry }) }, ecosystem, entry)
}

function newMirror(
  name: string,
  { mounts = '/', registries }: Ecosystem,
): Pick<BuiltInMirror, 'path' | 'upstreams' | 'registry'> {
  return { path: registries?.path ?? `${mounts}${name}/`, upstreams: [] }
}

/** What an entry says that its protocol does not know. */
function oddSettings(entry: MirrorEntry, { settings, registries }: Ecosystem): string[] {
  const odd = SETTINGS.filter((key) => entry[key] !== undefined && !settings.includes(key))
  return entry.registry === undefined || registries ? odd : [...odd, 'registry']
}

function complete(
  mirror: Sites & Pick<MirrorConfig, 'name' | 'path' | 'local' | 'registry'>,
  { name: protocol, settings }: Ecosystem,
  entry: MirrorEntry,
): MirrorConfig {
  const { lifetime } = entry
  const said = settings.flatMap((key) => (entry[key] === undefined ? [] : [[key, entry[key]] as const]))
  return {
    ...mirror,
    protocol,
    ...(lifetime === undefined ? {} : { lifetime }),
    ...(settings.includes('tarballUrls') ? { tarballUrls: 'rewrite' } : {}),
    ...Object.fromEntries(said),
  }
}

interface Surroundings {
  readonly all: readonly MirrorConfig[]
  readonly ecosystems: readonly Ecosystem[]
  /** Names of those that can be mended. */
  readonly written: Pick<ReadonlyMap<string, unknown>, 'has'>
}

/** What the path must be instead, if it stands in the way of something. */
function clashOf(mirror: MirrorConfig, { all, ecosystems, written }: Surroundings): string | undefined {
  const own = OWN_PATHS.find((path) => mirror.path.startsWith(path))
  if (own) return `outside ${own}, which Warren itself answers`
  const asked = [
    OCI_PATH,
    ...ecosystems.flatMap(({ name: protocol, rootAliases }) => rootAliases.map((prefix) => ({ prefix, protocol }))),
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
function isSameRegistry(one: MirrorConfig, other: MirrorConfig, ecosystems: readonly Ecosystem[]): boolean {
  if (one.registry === undefined || other.registry === undefined || one.protocol !== other.protocol) return false
  const upstreamsOf = ecosystems.find(({ name }) => name === one.protocol)?.registries?.upstreamsOf
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
