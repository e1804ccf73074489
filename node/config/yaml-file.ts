import { closeSync, openSync, readSync } from 'node:fs'
import { type Document, isAlias, isMap, isNode, isSeq, LineCounter, parseDocument } from 'yaml'
import { reasonOf } from '../errors.ts'
import { MAX_ALIASES } from './constants.ts'
import type { Problems } from './problems.ts'

/** The content of a YAML file, with the place of each part. */
export interface YamlFile {
  readonly value: unknown
  /** `path:line:column` of the value at `steps`, or of its key; of the nearest part around it where there is none. */
  whereOf(steps: readonly PropertyKey[], part: 'key' | 'value'): string
}

/** Reads at most `limit` bytes; undefined when there are more. Works for pipes too, whose size nobody knows beforehand. */
export function readBounded(path: string, limit: number): string | undefined {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.allocUnsafe(limit + 1)
    let filled = 0
    for (let read = -1; read !== 0 && filled < bytes.length; filled += read) {
      read = readSync(file, bytes, filled, bytes.length - filled, null)
    }
    return filled > limit ? undefined : bytes.toString('utf8', 0, filled)
  } finally {
    closeSync(file)
  }
}

/** Parses YAML 1.2; what is wrong with it goes to `problems`, and the result is then undefined. */
export function parseYaml(text: string, path: string, problems: Problems): YamlFile | undefined {
  const lines = new LineCounter()
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${path}:${line}:${col}`
  }
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true })
    // What follows the first mistake is mostly its consequence.
    const [trouble] = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0])
    if (trouble) {
      const [at] = trouble.pos
      const key = trouble.code === 'DUPLICATE_KEY' && /^[^\s:]{1,80}/.exec(text.slice(at))?.[0]
      const what = key
        ? `${key} is there a second time; keep one of the two`
        : `not valid YAML: ${trouble.message.replaceAll('\n', ' ')}`
      problems.add(`${place(at)}: ${what}`)
      return undefined
    }
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
    return { value, whereOf: (steps, part) => place(offsetOf(document, steps, part)) }
  } catch (error) {
    // Aliases beyond the limit, and nesting deeper than the stack.
    problems.add(`${path}: cannot be read as settings: ${reasonOf(error)}`)
    return undefined
  }
}

function offsetOf(document: Document, steps: readonly PropertyKey[], part: 'key' | 'value'): number {
  let node: unknown = document.contents
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0
  for (const [i, step] of steps.entries()) {
    const inside = isAlias(node) ? node.resolve(document) : node
    const pair = isMap(inside) ? inside.items.find(({ key }) => isNode(key) && String(key) === String(step)) : undefined
    node = isSeq(inside) ? inside.items[Number(step)] : pair?.value
    const target = part === 'key' && i === steps.length - 1 ? pair?.key : node
    if (isNode(target) && target.range) offset = target.range[0]
    else if (isNode(pair?.key) && pair.key.range) offset = pair.key.range[0]
    else break
  }
  return offset
}
