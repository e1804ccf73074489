import { NotEditable } from '../not-editable.ts'
import { endingOf } from './lines.ts'

/** An element in a text of XML, by offsets. */
export interface Place {
  readonly name: string
  /** Of its first tag. */
  readonly start: number
  readonly openEnd: number
  /** Of its last tag; both as of the first one where that is all there is. */
  readonly closeStart: number
  readonly end: number
  readonly isEmpty: boolean
  readonly children: readonly Place[]
}

const COMMENT = /<!--[\s\S]*?-->|<!\[CDATA\[[\s\S]*?\]\]>|<\?[\s\S]*?\?>|<!DOCTYPE[^[>]*(?:\[[\s\S]*?\])?\s*>/y
const TAG = /<(\/?)([\w:.-]+)((?:[^<>"']|"[^"]*"|'[^']*')*?)(\/?)>/y

/** The elements at the top of a text of XML. Throws NotEditable for what is none. */
export function elementsIn(text: string): readonly Place[] {
  const root: { children: Place[]; name: string; start: number; openEnd: number }[] = [
    { children: [], name: '', start: 0, openEnd: 0 },
  ]
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    const skipped = matchAt(COMMENT, text, at)
    const tag = skipped ? undefined : matchAt(TAG, text, at)
    const [whole, closing, name = '', , empty] = tag ?? []
    const end = at + (skipped?.[0] ?? whole ?? '').length
    if (end === at) throw notXml()
    const above = root.at(-1)
    if (tag && empty) above?.children.push({ name, start: at, openEnd: end, closeStart: at, end, isEmpty: true, children: [] })
    else if (tag && !closing) root.push({ children: [], name, start: at, openEnd: end })
    else if (tag) {
      const one = root.pop()
      if (one?.name !== name || root.length === 0) throw notXml()
      root.at(-1)?.children.push({ ...one, closeStart: at, end, isEmpty: false })
    }
    at = end
  }
  const [top, open] = root
  if (!top || open) throw notXml()
  return top.children
}

/** Lines put in as the first thing in an element, indented one step more than it is. */
export function withFirst(text: string, parent: Place, lines: readonly string[]): string {
  const ending = endingOf(text)
  const indent = /[ \t]*$/.exec(text.slice(0, parent.start))?.[0] ?? ''
  const added = lines.map((line) => `${ending}${indent}  ${line}`).join('')
  if (!parent.isEmpty) {
    const rest = text.slice(parent.openEnd)
    // What stands in the same line goes into one of its own.
    const gap = /^[ \t]*\r?\n/.test(rest) ? '' : ending + indent
    return text.slice(0, parent.openEnd) + added + gap + rest
  }
  const open = text.slice(parent.start, parent.openEnd).replace(/\s*\/>$/, '>')
  return `${text.slice(0, parent.start)}${open}${added}${ending}${indent}</${parent.name}>${text.slice(parent.end)}`
}

export function textOf(text: string, { openEnd, closeStart, isEmpty }: Place): string {
  return isEmpty ? '' : text.slice(openEnd, closeStart).trim()
}

export function withText(text: string, { openEnd, closeStart }: Place, value: string): string {
  return text.slice(0, openEnd) + value + text.slice(closeStart)
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | undefined {
  pattern.lastIndex = at
  return pattern.exec(text) ?? undefined
}

function notXml(): NotEditable {
  return new NotEditable('it is no XML as it stands: mend it first')
}
