import { isDeepStrictEqual } from 'node:util'
import { isMap, isScalar, isSeq, parseDocument } from 'yaml'
import { NotEditable } from '../not-editable.ts'
import { bare, linesOf, spliced } from './lines.ts'

/** A text of YAML in which a key of the outermost group has a value; comments, order and line endings stay. Throws NotEditable. */
export function withYamlKey(text: string, key: string, value: string): string {
  const wanted = read(text)
  if (wanted[key] === value) return text
  const node = nodeAt(text, key)
  const written = JSON.stringify(value)
  const after =
    isScalar(node) && node.range
      ? text.slice(0, node.range[0]) + written + text.slice(node.range[1])
      : atEnd(text, [`${key}: ${written}`])
  return checked(after, { ...wanted, [key]: value }, `${key}: ${written}`)
}

/** The same for a list that has an entry. */
export function withYamlEntry(text: string, key: string, entry: string): string {
  const wanted = read(text)
  const list = wanted[key] ?? []
  if (Array.isArray(list) && list.includes(entry)) return text
  const written = JSON.stringify(entry)
  const line = `${key}: [${written}]`
  return checked(entered(text, key, written) ?? atEnd(text, [line]), { ...wanted, [key]: [...[list].flat(), entry] }, line)
}

/** Behind the last entry, as that stands there; undefined where there is none. */
function entered(text: string, key: string, written: string): string | undefined {
  const node = nodeAt(text, key)
  const last = isSeq(node) ? node.items.at(-1) : undefined
  if (!isSeq(node) || !isScalar(last) || !last.range) return undefined
  const end = last.range[1]
  if (node.flow) return `${text.slice(0, end)}, ${written}${text.slice(end)}`
  const line = linesOf(text.slice(0, end)).length - 1
  const [dash = '- '] = /^\s*-\s+/.exec(linesOf(text)[line] ?? '') ?? []
  return spliced(text, line + 1, 0, [dash + written])
}

function nodeAt(text: string, key: string): unknown {
  const { contents } = parseDocument(text)
  return isMap(contents) ? contents.get(key, true) : undefined
}

/** Before what ends the document, if something does. */
function atEnd(text: string, added: readonly string[]): string {
  const lines = linesOf(text)
  const last = lines.findLastIndex((line) => bare(line).trim() !== '')
  return spliced(text, last + 1, 0, added)
}

function checked(after: string, wanted: Record<string, unknown>, line: string): string {
  try {
    if (isDeepStrictEqual(read(after), wanted)) return after
  } catch {
    // Said below.
  }
  throw new NotEditable(`write «${line}» there by hand`)
}

function read(text: string): Record<string, unknown> {
  const document = parseDocument(text)
  const value: unknown = document.errors.length > 0 ? [] : (document.toJS() ?? {})
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new NotEditable('it is no group of YAML as it stands: mend it first')
}
