import { parse, type TNode } from 'txml/txml'
import { type Client, inHome, parsedFile } from './client.ts'

/** Maven: the mirror of its central repository, or of all. */
export const maven: Client = {
  name: 'Maven',
  programs: ['mvn'],
  protocol: 'maven',
  read: (machine) =>
    inHome(machine, '.m2/settings.xml').flatMap((where) => (parsedFile(where, mirrors) ?? []).map((url) => ({ where, url }))),
}

function mirrors(text: string): string[] {
  const nodes = parse(text) as (TNode | string)[]
  return elements(nodes, 'mirror').flatMap((mirror) => {
    const of = textIn(mirror, 'mirrorOf')
      .split(',')
      .map((name) => name.trim())
    const url = textIn(mirror, 'url')
    return url !== '' && (of.includes('central') || of.includes('*') || of.includes('external:*')) ? [url] : []
  })
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
