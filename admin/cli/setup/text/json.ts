import { isDeepStrictEqual } from 'node:util'
import { NotEditable } from '../not-editable.ts'
import { endingOf } from './lines.ts'

const STRING = /"(?:[^"\\]|\\.)*"/y

/**
 * A text of JSON in which a list has a text as its first entry, unless it has it already; layout and order stay. The list is made, as the
 * first key, where there is none. Throws NotEditable.
 */
export function withJsonEntry(text: string, key: string, entry: string): string {
  if (text.trim() === '') return `{\n  ${JSON.stringify(key)}: [${JSON.stringify(entry)}]\n}\n`
  const wanted = read(text)
  const list = wanted[key] ?? []
  if (Array.isArray(list) && list.includes(entry)) return text
  const after = placed(text, key, JSON.stringify(entry), list)
  if (!Array.isArray(list) || !isDeepStrictEqual(read(after), { ...wanted, [key]: [entry, ...list] }))
    throw new NotEditable(`write ${JSON.stringify(entry)} into the list ${JSON.stringify(key)} by hand`)
  return after
}

function read(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw new NotEditable('it is no group of JSON as it stands: mend it first')
}

function placed(text: string, key: string, entry: string, list: unknown): string {
  const at = startOf(text, key)
  const isEmpty = (value: unknown) => Object.keys(Object(value)).length === 0
  if (at !== undefined) return inserted(text, text.indexOf('[', at) + 1, entry, isEmpty(list))
  return inserted(text, text.indexOf('{') + 1, `${JSON.stringify(key)}: [${entry}]`, isEmpty(JSON.parse(text)))
}

/** Something put first behind a bracket: in a line of its own where the next thing has one. */
function inserted(text: string, at: number, thing: string, isAlone: boolean): string {
  const [, indent] = /^[ \t]*\r?\n([ \t]*)(?=[^\s])/.exec(text.slice(at)) ?? []
  if (isAlone) return text.slice(0, at) + thing + text.slice(at)
  return indent === undefined
    ? `${text.slice(0, at)}${thing}, ${text.slice(at)}`
    : `${text.slice(0, at)}${endingOf(text)}${indent}${thing},${text.slice(at)}`
}

/** Where the value of a key of the outermost group begins. */
function startOf(text: string, key: string): number | undefined {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? ''
    if (char === '"') {
      STRING.lastIndex = at
      const [string = '"'] = STRING.exec(text) ?? []
      const end = at + string.length
      const colon = /^\s*:/.exec(text.slice(end))
      if (depth === 1 && colon && JSON.parse(string) === key) return end + colon[0].length
      at = end - 1
    } else if (char === '{' || char === '[') depth++
    else if (char === '}' || char === ']') depth--
  }
  return undefined
}
