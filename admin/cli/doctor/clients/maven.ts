import { parse, type TNode } from 'txml/txml'
import type { Machine } from '../scene.ts'
import { type Client, parsedFile } from './client.ts'
import { inJavaHome } from './java-home.ts'

/** Variables with options for the Java that Maven runs in. */
export const MAVEN_OPTIONS = ['MAVEN_OPTS']

/** Maven: the mirror of its central repository, or of all. */
export const maven: Client = {
  name: 'Maven',
  programs: ['mvn'],
  protocol: 'maven',
  read: (machine) =>
    userSettings(machine).flatMap((where) => (parsedFile(where, mirrors) ?? []).map((url) => ({ where, url }))),
}

/** The settings of the user. */
export function userSettings(machine: Machine): string[] {
  return inJavaHome(machine, MAVEN_OPTIONS, '.m2/settings.xml')
}

function mirrors(text: string): string[] {
  return mirrorsIn(text).flatMap(({ of, url }) => {
    const names = of.split(',').map((name) => name.trim())
    return url !== '' && (names.includes('central') || names.includes('*') || names.includes('external:*')) ? [url] : []
  })
}

/** The mirrors in a `settings.xml`: of which repositories, as it is written there, and where they are. */
export function mirrorsIn(text: string): { readonly of: string; readonly url: string }[] {
  const nodes = parse(text) as (TNode | string)[]
  return elements(nodes, 'mirror').map((mirror) => ({ of: textIn(mirror, 'mirrorOf'), url: textIn(mirror, 'url') }))
}

function elements(nodes: readonly (TNode | string)[], name: string): TNode[] {
  return nodes.flatMap((node) => {
    if (typeof node === 'string') return []
    return node.tagName === name ? [node] : elements(node.children, name)
  })
}

function textIn({ children }: TNode, name: string): string {
  const [first] = elements(children, name)
  return (
    first?.children
      .filter((child) => typeof child === 'string')
      .join('')
      .trim() ?? ''
  )
}
