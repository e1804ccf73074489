import { basename, dirname } from 'node:path'
import { parse, stringify } from 'smol-toml'
import { z } from 'zod'
import { parsedFile } from '../../doctor/clients/client.ts'
import { registriesFiles } from '../../doctor/clients/containers.ts'
import type { Machine } from '../../doctor/scene.ts'
import { baseOf, registriesOf } from '../images.ts'
import type { ClientMirror } from '../mirror.ts'
import { NotEditable } from '../not-editable.ts'

/** Ours, of the system or of a user. */
export const FILE = 'containers/registries.conf.d/warren.conf'

const mirrorSchema = z.looseObject({ location: z.string() })
const entrySchema = z.looseObject({
  prefix: z.string().optional(),
  location: z.string().optional(),
  mirror: z.array(mirrorSchema).default([]),
})
const fileSchema = z.object({ registry: z.array(entrySchema).default([]) })

type Entry = z.infer<typeof entrySchema>

/**
 * A file of its own that leads to the node. Of several entries for one registry the last one counts, alone: ours has what the others say,
 * such as mirrors, and that a registry is blocked. Throws NotEditable where one in the same folder is read later.
 */
export function registriesConf(own: string, mirrors: readonly ClientMirror[], machine: Machine): string {
  const former = registriesFiles(machine).filter((path) => basename(path) !== basename(FILE))
  for (const path of former.filter((one) => dirname(one) === dirname(own) && basename(one) > basename(own)))
    checkLater(path, mirrors)
  const entries = former.reverse().flatMap((path) => parsedFile(path, entriesIn) ?? [])
  const registry = registriesOf(mirrors).map((one) => entryOf(one.registry, locationOf(one), entries))
  const kept = registry.some(({ isNew }) => !isNew)
    ? '# What other files say of these registries counts no more, so that it is here, too.\n'
    : ''
  const head = `# Written by «warren setup podman»; with --undo it is removed.\n${kept}`
  return `${head}\n${stringify({ registry: registry.map(({ entry }) => entry) })}`
}

function checkLater(path: string, mirrors: readonly ClientMirror[]): void {
  const names = parsedFile(path, entriesIn)?.map(prefixOf) ?? []
  const [found] = registriesOf(mirrors).filter(({ registry }) => names.includes(registry))
  if (found)
    throw new NotEditable(
      `${path} has an entry for ${found.registry}, which counts since it is read later: give it a name that is before ${basename(FILE)}`,
    )
}

function entriesIn(text: string): Entry[] {
  return fileSchema.parse(parse(text)).registry
}

function entryOf(registry: string, own: z.infer<typeof mirrorSchema>, entries: readonly Entry[]) {
  const found = entries.findLast((one) => prefixOf(one) === registry) ?? ofDomain(registry, entries)
  const { mirror: others = [], ...rest } = found ?? {}
  const mirror = [own, ...others.filter(({ location }) => location !== own.location)]
  return { isNew: found === undefined, entry: { ...rest, prefix: registry, location: found?.location ?? registry, mirror } }
}

/** The entry for all hosts of a domain, `*.example.com`, that counts for one of them where there is none for that alone. */
function ofDomain(registry: string, entries: readonly Entry[]): Entry | undefined {
  const matching = entries.filter((one) => prefixOf(one).startsWith('*.') && registry.endsWith(prefixOf(one).slice(1)))
  const longest = Math.max(...matching.map((one) => prefixOf(one).length))
  return matching.findLast((one) => prefixOf(one).length === longest)
}

function prefixOf({ prefix = '', location = '' }: Entry): string {
  return prefix || location
}

function locationOf({ registry, mirror }: ReturnType<typeof registriesOf>[number]): z.infer<typeof mirrorSchema> {
  const { protocol, host, pathname } = new URL(baseOf(mirror))
  const location = `${host}${pathname.replace(/\/$/, '')}/${registry}`
  return { location, ...(protocol === 'http:' ? { insecure: true } : {}) }
}
