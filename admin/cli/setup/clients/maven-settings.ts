import { mirrorsIn } from '../../doctor/clients/maven.ts'
import { NotEditable } from '../not-editable.ts'
import { elementsIn, escaped, type Place, textOf, withFirst, withText } from '../text/xml.ts'

/** A mirror in Maven's `settings.xml`. */
export interface MavenMirror {
  /** Stands in the local repository beside what came through it; another one makes Maven look at all of that again. */
  readonly id: string
  /** Id of the repository that it stands for. */
  readonly of: string
  readonly url: string
}

const EMPTY = '<settings>\n</settings>\n'

/**
 * The text of a `settings.xml`, which may be empty, with these mirrors before the others: of several that are for the same repository
 * Maven takes the first. One with such an id gets the URL. Throws NotEditable.
 */
export function mavenSettings(text: string, mirrors: readonly MavenMirror[]): string {
  const wanted = [...mirrors].reverse()
  const after = wanted.reduce(withMirror, text.trim() === '' ? EMPTY : text)
  const found = mirrorsIn(after)
  for (const { of, url } of mirrors) {
    if (found.find((one) => one.of === of)?.url !== escaped(url))
      throw new NotEditable(`write this under <mirrors> by hand:\n${linesFor(wanted).join('\n')}`)
  }
  return after
}

function withMirror(text: string, mirror: MavenMirror): string {
  const [settings, another] = elementsIn(text)
  if (settings?.name !== 'settings' || another) throw new NotEditable('it has no <settings> around it all: mend it first')
  const mirrors = child(settings.children, 'mirrors')
  if (!mirrors) return withFirst(text, settings, ['<mirrors>', ...linesFor([mirror]).map((line) => `  ${line}`), '</mirrors>'])
  const own = mirrors.children.find(({ children }) => {
    const id = child(children, 'id')
    return id !== undefined && textOf(text, id) === mirror.id
  })
  if (!own) return withFirst(text, mirrors, linesFor([mirror]))
  const url = child(own.children, 'url')
  return url && !url.isEmpty ? withText(text, url, escaped(mirror.url)) : text
}

function linesFor(mirrors: readonly MavenMirror[]): string[] {
  return mirrors.flatMap(({ id, of, url }) => [
    '<mirror>',
    `  <id>${escaped(id)}</id>`,
    `  <mirrorOf>${escaped(of)}</mirrorOf>`,
    `  <url>${escaped(url)}</url>`,
    '</mirror>',
  ])
}

function child(places: readonly Place[], name: string): Place | undefined {
  return places.find((one) => one.name === name)
}
