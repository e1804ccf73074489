import type { Block, PolicySettings } from '../policy/policy.ts'
import { MAX_MIRRORS } from './constants.ts'
import { builtInMirrors, type Ecosystem } from './ecosystems.ts'
import { mirrorEntry } from './mirror-entry.ts'
import { checkPlace, resolveMirror } from './mirrors.ts'
import type { Layer } from './overlay.ts'
import { blocks } from './policy.ts'
import { type Given, Problems } from './problems.ts'
import { type MirrorConfig, schema } from './schema.ts'
import { MIRRORS, POLICY } from './settings.ts'

/** Where a value comes from, the strongest first; of the file a mirror that is `local` stands above the ledger. */
type LayerName = 'overlay' | 'ledger' | 'file' | 'built in'

export interface Layers {
  /** What file, environment and built-in mirrors come to. */
  readonly base: { readonly mirrors: readonly MirrorConfig[]; readonly policy: PolicySettings }
  /** What was changed at this node. */
  readonly overlay: Layer
  /** What the mesh says. */
  readonly ledger: Layer
}

/** What a layer says of a mirror. */
interface Said {
  readonly layer: LayerName
  /** Null where it takes the mirror away. */
  readonly mirror: MirrorConfig | null
  /** As it was written; undefined of what the base says. */
  readonly written?: unknown
}

export interface LayeredMirror extends Said {
  readonly name: string
  /** What would apply without it, strongest first. */
  readonly shadows: readonly Said[]
}

export interface LayeredBlock extends Block {
  readonly layer: LayerName
}

/** Where ops stand, for messages. */
const LEDGER = 'the ledger'

export interface LayersInit {
  readonly ecosystems: readonly Ecosystem[]
  /** Where the overlay stands, for messages. */
  readonly where: string
  /** Hears of what the mesh says and cannot be at this node: it goes without that. */
  left(what: string): void
}

/** Puts the mirrors of all layers together. Throws CONFIG_INVALID for an overlay that is not valid, or not beside the base. */
export function layeredMirrors({ base, overlay, ledger }: Layers, init: LayersInit): LayeredMirror[] {
  const { ecosystems, where, left } = init
  const builtIns = new Map(builtInMirrors(ecosystems).map((mirror) => [mirror.name, mirror]))
  const said = new Map<string, Said[]>()
  const say = (name: string, one: Said) => said.set(name, [...(said.get(name) ?? []), one])
  const problems = new Problems()
  for (const [name, written] of Object.entries(overlay.mirrors)) {
    const mirror = read(givenOf(name, written, where), ecosystems, problems)
    if (mirror !== undefined) say(name, { layer: 'overlay', mirror, written })
  }
  problems.throwIfAny()
  for (const mirror of base.mirrors) if (mirror.local) say(mirror.name, { layer: 'file', mirror })
  for (const [name, written] of Object.entries(ledger.mirrors)) {
    const own = new Problems()
    const mirror = read(givenOf(name, written, LEDGER), ecosystems, own)
    if (mirror !== undefined && !own.some) say(name, { layer: 'ledger', mirror, written })
    else tell(own, left)
  }
  for (const mirror of base.mirrors) {
    const layer = isBuiltIn(mirror, builtIns.get(mirror.name)) ? 'built in' : 'file'
    if (!mirror.local) say(mirror.name, { layer, mirror })
  }
  return placed(said, base, init)
}

/** Takes of what is said the strongest that fits beside the others: the overlay must, what the mesh says may be left out. */
function placed(said: ReadonlyMap<string, readonly Said[]>, base: Layers['base'], init: LayersInit): LayeredMirror[] {
  const { ecosystems, where, left } = init
  const order = [...new Set([...base.mirrors.map(({ name }) => name), ...said.keys()])]
  const chosen = new Map<string, readonly Said[]>(order.map((name) => [name, (said.get(name) ?? []).filter(isOwn)]))
  const all = () => [...chosen.values()].flatMap(([first]) => first?.mirror ?? [])
  const check = (name: string, { mirror, written }: Said, from: string, problems: Problems) => {
    if (mirror) checkPlace(mirror, givenOf(name, written, from), { all: all(), ecosystems, written: new Set([name]) }, problems)
    if (all().length > MAX_MIRRORS) problems.add(`${from}: mirrors.${name} is one more than the ${MAX_MIRRORS} that a node has`)
  }
  const problems = new Problems()
  for (const [name, [first]] of chosen) if (first?.layer === 'overlay') check(name, first, where, problems)
  problems.throwIfAny()
  for (const [name, candidates] of said) {
    const [strongest] = candidates
    const before = chosen.get(name) ?? []
    chosen.set(name, candidates)
    if (strongest?.layer !== 'ledger') continue
    const own = new Problems()
    check(name, strongest, LEDGER, own)
    if (own.some) chosen.set(name, before)
    tell(own, left)
  }
  return [...chosen].flatMap(([name, [first, ...shadows]]): LayeredMirror[] => (first ? [{ name, ...first, shadows }] : []))
}

/** The policy of all layers: of each setting the strongest, but what any layer denies or blocks is denied. Throws CONFIG_INVALID. */
export function layeredPolicy(
  { base, overlay, ledger }: Layers,
  { where, left }: Omit<LayersInit, 'ecosystems'>,
): { policy: PolicySettings; blocks: LayeredBlock[] } {
  const problems = new Problems()
  const own = readPolicy(overlay.policy, where, problems)
  problems.throwIfAny()
  const mesh = new Problems()
  const said = readLists(ledger.policy, LEDGER, mesh)
  tell(mesh, left)
  const all = [
    ...(own.blocks ?? []).map((block) => ({ ...block, layer: 'overlay' as const })),
    ...(said.blocks ?? []).map((block) => ({ ...block, layer: 'ledger' as const })),
    ...(base.policy.blocks ?? []).map((block) => ({ ...block, layer: 'file' as const })),
  ]
  const { allow, minimumAge, minimumAgeExceptions } = { ...base.policy, ...said, ...own }
  const deny = [...new Set([...base.policy.deny, ...(said.deny ?? []), ...(own.deny ?? [])])]
  return { policy: { allow, deny, minimumAge, minimumAgeExceptions, ...(all.length > 0 ? { blocks: all } : {}) }, blocks: all }
}

/**
 * The same one entry of a list at a time: a pattern that this version does not know must not let through what the others deny, however
 * many there are.
 */
function readLists(policy: Layer['policy'], where: string, problems: Problems): Partial<PolicySettings> {
  const lists = ['allow', 'deny', 'minimumAgeExceptions', 'blocks'] as const
  const { minimumAge } = readPolicy({ minimumAge: policy.minimumAge }, where, problems)
  const read = lists.flatMap((name) => {
    const written = policy[name]
    if (!Array.isArray(written)) return Object.entries(readPolicy({ [name]: written }, where, problems))
    return [[name, written.flatMap((one): readonly unknown[] => readPolicy({ [name]: [one] }, where, problems)[name] ?? [])]]
  })
  return { ...(minimumAge === undefined ? {} : { minimumAge }), ...Object.fromEntries(read) }
}

/** What is right of a layer; what is wrong with the rest goes to `problems`. */
function readPolicy(policy: Layer['policy'], where: string, problems: Problems): Partial<PolicySettings> {
  const rules = { ...schema.shape.policy.shape, blocks }
  return Object.fromEntries(
    Object.entries(rules).flatMap(([name, rule]) => {
      const value = policy[name as keyof typeof rules]
      if (value === undefined) return []
      const { data, error } = rule.safeParse(value)
      problems.fromRule({ key: POLICY + name, value, where }, error?.issues ?? [], [])
      return error ? [] : [[name, data]]
    }),
  )
}

/** What is wrong with a mirror that is meant for the whole mesh, whatever else a node has; undefined where nothing is. */
export function mistakeInMirror(name: string, written: unknown, ecosystems: readonly Ecosystem[]): string | undefined {
  const problems = new Problems()
  read(givenOf(name, written, 'body'), ecosystems, problems)
  let mistake: string | undefined
  tell(problems, (what) => {
    mistake = what
  })
  return mistake
}

/** Null where it is taken away; undefined where something is wrong with it. */
function read(given: Given, ecosystems: readonly Ecosystem[], problems: Problems): MirrorConfig | null | undefined {
  const name = given.key.slice(MIRRORS.length + 1)
  const result = given.value === false ? undefined : mirrorEntry.safeParse(given.value)
  const keys = Object.keys(mirrorEntry.shape).map((key) => `${given.key}.${key}`)
  problems.fromRule(given, result?.error?.issues ?? [], keys)
  if (result?.error) return undefined
  // What is taken away may be gone by now from the layers below; that is no mistake.
  const mirror = resolveMirror({ name, given, entry: result?.data ?? false, shadows: true }, ecosystems, problems)
  return mirror ?? (given.value === false ? null : undefined)
}

function givenOf(name: string, value: unknown, where: string): Given {
  return { key: `${MIRRORS}.${name}`, value, where }
}

function isOwn({ layer }: Said): boolean {
  return layer !== 'ledger'
}

function isBuiltIn(mirror: MirrorConfig, builtIn: { path: string; upstreams: readonly string[] } | undefined): boolean {
  return (
    builtIn !== undefined &&
    !mirror.local &&
    mirror.path === builtIn.path &&
    mirror.upstreams.join(' ') === builtIn.upstreams.join(' ') &&
    mirror.routes === undefined &&
    mirror.authorities === undefined
  )
}

function tell(problems: Problems, left: (what: string) => void): void {
  try {
    problems.throwIfAny()
  } catch (error) {
    left(error instanceof Error ? error.message : String(error))
  }
}
