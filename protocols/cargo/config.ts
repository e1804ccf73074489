import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import type { Rendition } from '../protocol.ts'
import { downloadUrl } from './download.ts'
import { DOWNLOADS } from './paths.ts'

/** What is kept of a registry's `config.json`. */
export interface ConfigFacts {
  /** Where archives are, as `downloadUrl` reads it. */
  readonly dl: string
}

/** A string, a punctuation mark, or any other value, of a text that is JSON. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s"{}[\]:,]+/g
const AUTH = 'auth-required'
const EXAMPLE = { name: 'a', version: '1.0.0', sha256: '0'.repeat(64) }

/**
 * Reads `config.json` (The Cargo Book, «Index Configuration»). Downloads are to lead to the mirror; `api`, for publishing and
 * searching, stays upstream's. Throws for everything that is no such document.
 */
export function parse(bytes: Buffer): ParsedDocument<ConfigFacts> {
  const config = objectOf(bytes)
  const { dl } = config
  if (typeof dl !== 'string') throw new Error('not the config.json of a registry: «dl» has to be a URL')
  downloadUrl(dl, EXAMPLE)
  const [place, another] = placesOf(bytes, 'dl')
  if (!place || another) throw new Error('«dl» stands in config.json more than once')
  return { spans: [[...place, DOWNLOADS]], facts: { dl } }
}

export const configParser: DocumentParser<ConfigFacts> = {
  id: 'cargo-config-1',
  module: import.meta.url,
  exportName: 'parse',
  parse,
}

/** Facts that came back from the cache, if that is what they are. */
export function configFacts(facts: unknown): ConfigFacts | undefined {
  const { dl } = (facts ?? {}) as Partial<ConfigFacts>
  return typeof dl === 'string' ? { dl } : undefined
}

/**
 * For clients the mirror is open, whatever upstream is: a node shows its own credentials there and passes none on, so that a client
 * that was told of `auth-required` would look for a token for nothing, and stop if it has none.
 */
export const openConfig: Rendition = {
  id: 'cargo-open-config-1',
  headers: { 'content-type': 'application/json' },
  render([bytes = Buffer.alloc(0)]) {
    const { [AUTH]: required, ...config } = objectOf(bytes)
    return required === undefined ? bytes : Buffer.from(JSON.stringify(config))
  },
}

function objectOf(bytes: Buffer): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(bytes.toString())
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new Error('not the config.json of a registry: it has to be a JSON object')
}

/**
 * Bytes [start, end) of the strings that the outermost object has under `name`, without their quotes. Of a text that was seen to be
 * JSON; read byte by byte, since all that matters of it is ASCII.
 */
function placesOf(bytes: Buffer, name: string): (readonly [start: number, end: number])[] {
  const tokens = [...bytes.toString('latin1').matchAll(TOKEN)].map(({ 0: text, index }) => ({ text, index }))
  const places: (readonly [number, number])[] = []
  let depth = 0
  tokens.forEach(({ text }, i) => {
    if (text === '{' || text === '[') depth++
    else if (text === '}' || text === ']') depth--
    const value = tokens[i + 2]
    if (depth !== 1 || tokens[i + 1]?.text !== ':' || !value?.text.startsWith('"')) return
    // A name may be written with escapes, which every reader of JSON sees through.
    if (JSON.parse(text) === name) places.push([value.index + 1, value.index + value.text.length - 1])
  })
  return places
}
