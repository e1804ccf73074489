import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type Client, textOf } from '../../doctor/clients/client.ts'
import type { Machine } from '../../doctor/scene.ts'
import { UsageError } from '../../exit-codes.ts'
import { centralUrls } from '../central-urls.ts'
import type { SetupClient } from '../client.ts'
import { NotEditable } from '../not-editable.ts'
import { elementsIn, escaped, type Place } from '../text/xml.ts'

const ROOT = /(\sroot\s*=\s*)(?:"[^"]*"|'[^']*')/

const reader: Client = {
  name: 'Ivy',
  programs: [],
  protocol: 'maven',
  read: ({ folder }) => {
    const where = join(folder, 'ivysettings.xml')
    const roots = [...(textOf(where) ?? '').matchAll(/<ibiblio\s[^>]*\sroot\s*=\s*["'](https?:[^"']+)["']/g)]
    return roots.map(([, url = '']) => ({ where, url }))
  },
}

/** Ivy has no settings of a user: those of a project are in its folder. */
export const ivy: SetupClient = {
  name: 'ivy',
  programs: [],
  reader,
  // Resolvers that ask elsewhere stay.
  keepsFormer: true,
  files: (machine) => [settingsOf(machine)],
  edit: (text, { mirror }) => ivySettings(text, mirror.url),
  down: 'it asks the next resolver of its chain; without one it stops at whatever is not in its own cache',
}

function settingsOf({ folder }: Machine): string {
  const path = join(folder, 'ivysettings.xml')
  if (existsSync(path) || existsSync(join(folder, 'ivy.xml'))) return path
  throw new UsageError(`${folder} has no ivy.xml: the settings of Ivy are those of a project, so run this in its folder`)
}

/** The text of an `ivysettings.xml` in which the resolver of the central repository asks this URL. Throws NotEditable. */
function ivySettings(text: string, url: string): string {
  const resolver = `<ibiblio name="warren" m2compatible="true" root="${escaped(url)}"/>`
  if (text.trim() === '')
    return `<ivysettings>\n  <settings defaultResolver="warren"/>\n  <resolvers>\n    ${resolver}\n  </resolvers>\n</ivysettings>\n`
  const found = all(elementsIn(text)).find((place) => isCentral(tagOf(text, place), url))
  if (!found) throw new NotEditable(`write ${resolver} before the other resolvers by hand`)
  const tag = tagOf(text, found)
  const root = ` root="${escaped(url)}"`
  const led = ROOT.test(tag) ? tag.replace(ROOT, `$1"${escaped(url)}"`) : tag.replace(/^<[\w.-]+/, (name) => name + root)
  return text.slice(0, found.start) + led + text.slice(found.openEnd)
}

/** Without a root it is the central repository. */
function isCentral(tag: string, url: string): boolean {
  if (!/^<ibiblio\s/.test(tag) || !/\sm2compatible\s*=\s*["']true["']/.test(tag)) return false
  const [, root] = /\sroot\s*=\s*["']([^"']*)["']/.exec(tag) ?? []
  return root === undefined || [...centralUrls(), url].some((one) => one.replace(/\/$/, '') === root.replace(/\/$/, ''))
}

function tagOf(text: string, { start, openEnd }: Place): string {
  return text.slice(start, openEnd)
}

function all(places: readonly Place[]): Place[] {
  return places.flatMap((place) => [place, ...all(place.children)])
}
