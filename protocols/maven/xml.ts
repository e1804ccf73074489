import { parse, type TNode } from 'txml/txml'

/** An element by its local name, with text and children taken apart. */
export interface Element {
  readonly name: string
  readonly attributes: Readonly<Record<string, string | null>>
  /** Without white space at either end; entities are decoded. */
  readonly text: string
  readonly children: readonly Element[]
}

/** Tags of a document: those of the longest lists have a tenth of them, and each is an object of its own for a while. */
const MAX_TAGS = 400_000

/**
 * The root of a document, which must be called `root`. The parser forgives a missing end, and a document that was cut must not pass
 * for a whole one. Throws a plain Error, which for elements within elements without end is that of the stack.
 */
export function readXml(bytes: Buffer, root: string): Element {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '')
  if (text.split('<', MAX_TAGS + 2).length > MAX_TAGS + 1) throw new Error(`it has more than ${MAX_TAGS} tags`)
  // The parser takes these two for HTML's, and where their end is missing it never ends itself.
  const plain = text.replace(/<(\/?)((?:[\w.-]+:)?(?:script|style))\b/gi, '<$1x-$2')
  const elements = parse(plain, { decodeEntities: true, selfClosingTags: [] }).filter(
    (node): node is TNode => typeof node !== 'string',
  )
  const found = elements.find(({ tagName }) => !tagName.startsWith('?'))
  if (!found || localName(found.tagName) !== root) throw new Error(`its root is no «${root}»`)
  const closed = found.selfClosed === true || new RegExp(`</(?:[\\w.-]+:)?${root}\\s*>`).test(text)
  if (!closed) throw new Error(`its «${root}» has no end`)
  return elementOf(found)
}

export function childrenOf(element: Element | undefined, name: string): readonly Element[] {
  return element?.children.filter((child) => child.name === name) ?? []
}

export function childOf(element: Element | undefined, name: string): Element | undefined {
  return element?.children.find((child) => child.name === name)
}

/** The text of a child; undefined where it is absent or has none. */
export function textOf(element: Element | undefined, name: string): string | undefined {
  return childOf(element, name)?.text || undefined
}

/** What is to be written: a name with text, with children, or with nothing, and then it is left out. */
export type Written = readonly [name: string, content: string | undefined | readonly Written[]]

/** A document of two spaces a level, as Maven writes it. */
export function writeXml([name, content]: Written, attributes: Readonly<Record<string, string>> = {}): Buffer {
  const given = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(value)}"`)
  const lines = Array.isArray(content) ? content.flatMap((one: Written) => written(one, '  ')) : []
  const text = ['<?xml version="1.0" encoding="UTF-8"?>', `<${name}${given.join('')}>`, ...lines, `</${name}>`, '']
  return Buffer.from(text.join('\n'))
}

function written([name, content]: Written, indent: string): string[] {
  if (content === undefined || content.length === 0) return []
  if (typeof content === 'string') return [`${indent}<${name}>${escaped(content)}</${name}>`]
  const lines = content.flatMap((one) => written(one, `${indent}  `))
  return lines.length === 0 ? [] : [`${indent}<${name}>`, ...lines, `${indent}</${name}>`]
}

function escaped(text: string): string {
  return legalIn(text).replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** Without the characters that XML 1.0 (section 2.2) has no way to write. */
function legalIn(text: string): string {
  return text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
}

function elementOf({ tagName, attributes, children }: TNode): Element {
  const text = legalIn(children.filter((child) => typeof child === 'string').join(''))
  const elements = children.filter((child): child is TNode => typeof child !== 'string' && /^[A-Za-z_]/.test(child.tagName))
  return { name: localName(tagName), attributes, text: text.trim(), children: elements.map(elementOf) }
}

function localName(tagName: string): string {
  return tagName.slice(tagName.indexOf(':') + 1)
}
