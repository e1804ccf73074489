import type { Found } from '../cache/found.ts'
import type { Encoding } from './encodings.ts'

/** Header fields of a response: names and values by turns, the form that Node writes fastest. */
export type Fields = readonly string[]

/** RFC 9110 section 5.5. What Node could not send would turn a stored record into an error for good. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** RFC 9110 section 5.1, in the lower case that all of ours have. */
const NAME = /^[a-z0-9-]+$/

/** Types that a browser never runs, whatever is in them. */
const INERT = /^(?:application\/(?:octet-stream|(?:[\w.-]+\+)?json|gzip|x-gzip|x-tar|zip)|text\/plain)\s*(?:;|$)/i

/**
 * Artifacts are other people's, and come from the origin of the admin page: in a browser none may run as a page, nor be taken
 * for a script that its type does not make it.
 */
export const DISARMED: Fields = ['content-security-policy', "sandbox; default-src 'none'", 'x-content-type-options', 'nosniff']

const HITS = new Set(['local', 'stale', 'flight'])
/** Of what is in the store. The headers of what is only coming are seldom asked for twice: once it is there, its record has others. */
const HELD = new Set(['local', 'stale'])

/** For answers with content, of each record. */
const kept = new WeakMap<Found['headers'], Fields>()

/** A representation that is sent whole, from what is held. */
export interface Shown {
  /** Names the bytes; in an encoding, those that were encoded. */
  readonly id: string | undefined
  readonly encoding?: Encoding | undefined
  /** Bytes that are sent. */
  readonly size: number
}

interface Whole extends Shown {
  readonly source: Found['source']
  readonly age: number | undefined
  readonly fields: Fields
  /** The same as they go over the wire, with the empty line behind them; undefined when they could not be sent. */
  bytes?: Buffer | undefined
}

/** The last ones of each record: they go with it. */
const wholes = new WeakMap<Found['headers'], Whole>()

/** A strong entity tag of the bytes that `id` names, or of an encoded form of them. */
export function etagOf(id: string, encoding?: Encoding): string {
  return encoding === undefined ? `"${id}"` : `"${id}-${encoding}"`
}

/** The fields of a 200 with something that is here as a whole: the same for a second at least, so they are put together once. */
export function wholeFields(found: Found, shown: Shown): Fields {
  return wholeOf(found, shown).fields
}

/** The same in bytes, with the empty line that ends a head; undefined for what must not go out past Node's own checks. */
export function wholeFieldBytes(found: Found, shown: Shown): Buffer | undefined {
  const whole = wholeOf(found, shown)
  if (!('bytes' in whole)) whole.bytes = bytesOf(whole.fields)
  return whole.bytes
}

function wholeOf(found: Found, { id, encoding, size }: Shown): Whole {
  const { source, age, headers } = found
  const before = wholes.get(headers)
  const isOfSame = before && before.id === id && before.age === age && before.source === source
  if (isOfSame && before.size === size && before.encoding === encoding) return before
  const fields = contentFields(found, id === undefined ? undefined : etagOf(id, encoding))
  if (encoding !== undefined) fields.push('content-encoding', encoding)
  fields.push('content-length', String(size))
  const whole: Whole = { id, source, encoding, age, size, fields }
  if (HELD.has(source)) wholes.set(headers, whole)
  return whole
}

function bytesOf(fields: Fields): Buffer | undefined {
  let text = ''
  for (let at = 0; at < fields.length; at += 2) {
    const [name, value] = [fields[at] ?? '', fields[at + 1] ?? '']
    if (!NAME.test(name) || !VALUE.test(value)) return undefined
    text += `${name}: ${value}\r\n`
  }
  text += '\r\n'
  // Of its own: as a part of Node's pool it would keep all of that in memory for as long as the record.
  const bytes = Buffer.allocUnsafeSlow(text.length)
  bytes.write(text, 'latin1')
  return bytes
}

/** Fields of every answer that carries (a part of) a representation, or would to a GET. */
export function contentFields(found: Found, etag: string | undefined): string[] {
  return [...keptOf(found), 'accept-ranges', 'bytes', ...commonFields(found, etag)]
}

/** Fields of a 304; it repeats what a 200 would say about freshness and identity. */
export function notModifiedFields(found: Found, etag: string | undefined): string[] {
  return [...bareOf(keptOf(found)), ...commonFields(found, etag)]
}

function commonFields(found: Found, etag: string | undefined): string[] {
  const fields = ['x-warren-source', found.source, 'x-cache', HITS.has(found.source) ? 'HIT' : 'MISS']
  if (etag !== undefined) fields.unshift('etag', etag)
  if (found.age !== undefined) fields.push('age', String(found.age))
  // RFC 9111 obsoleted the Warning header; people still read it, and no client minds it.
  if (found.source === 'stale') fields.push('warning', '110 warren "Response is Stale"')
  return fields
}

function keptOf(found: Found): Fields {
  const { headers, source } = found
  const before = kept.get(headers)
  if (before) return before
  const fields: string[] = []
  for (const [name, value] of Object.entries(headers)) {
    if (name !== 'vary' && VALUE.test(value)) fields.push(name, value)
  }
  const vary = varyOf(found)
  if (vary !== undefined) fields.push('vary', vary)
  if (!INERT.test(headers['content-type'] ?? '')) fields.push(...DISARMED)
  if (HELD.has(source)) kept.set(headers, fields)
  return fields
}

/** A document may have been compressed for somebody else, also where this answer is not. */
function varyOf({ headers, document }: Found): string | undefined {
  const { vary } = headers
  if (vary === undefined || !VALUE.test(vary)) return document && 'accept-encoding'
  return !document || /(?:^|[\s,])(?:accept-encoding|\*)(?:$|[\s,])/i.test(vary) ? vary : `${vary}, accept-encoding`
}

/** For a 304, which describes no content of its own (RFC 9110 section 15.4.5). */
function bareOf(fields: Fields): Fields {
  const bare: string[] = []
  for (let at = 0; at < fields.length; at += 2) {
    const [name, value] = [fields[at] ?? '', fields[at + 1] ?? '']
    if (!name.startsWith('content-') && !DISARMED.includes(name)) bare.push(name, value)
  }
  return bare
}
