/** Slow and obvious readings of header fields, to compare the quick ones with. Each follows its grammar word by word. */

const MAX_RANGES = 16

/**
 * The bytes that a Range header asks for (RFC 9110 section 14.1.1), one by one; undefined when it is to be ignored. Whitespace
 * is what RFC 9110 section 5.6.3 calls so.
 */
export function rangesOf(header: string, size: number): Set<number> | undefined {
  if (size === 0 || header.slice(0, 6).toLowerCase() !== 'bytes=') return undefined
  const specs = header
    .slice(6)
    .split(',')
    .map((spec) => strip(spec))
  if (specs.length > MAX_RANGES || specs.every((spec) => spec === '')) return undefined
  const bytes = new Set<number>()
  for (const spec of specs.filter((one) => one !== '')) {
    const [first, last, ...more] = spec.split('-')
    if (first === undefined || last === undefined || more.length > 0 || !isDigits(first) || !isDigits(last)) return undefined
    if (first === '' && last === '') return undefined
    if (first !== '' && last !== '' && BigInt(last) < BigInt(first)) return undefined
    for (let at = 0; at < size; at++) {
      const fromEnd = BigInt(size - at)
      const wanted =
        first === '' ? fromEnd <= BigInt(last) : BigInt(at) >= BigInt(first) && (last === '' || BigInt(at) <= BigInt(last))
      if (wanted) bytes.add(at)
    }
  }
  return bytes
}

function isDigits(text: string): boolean {
  return [...text].every((character) => '0123456789'.includes(character))
}

function strip(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && ' \t'.includes(text[start] as string)) start++
  while (end > start && ' \t'.includes(text[end - 1] as string)) end--
  return text.slice(start, end)
}

type Conditions = Readonly<
  Record<'if-match' | 'if-none-match' | 'if-modified-since' | 'if-unmodified-since', string | undefined>
>

/** The steps of RFC 9110 section 13.2.2. */
export function verdictOf(asked: Conditions, etags: readonly string[], lastModified: string | undefined) {
  const match = asked['if-match']
  const noneMatch = asked['if-none-match']
  const isLater = (than: string) => {
    const [here, there] = [Date.parse(lastModified ?? ''), isHttpDate(than) ? Date.parse(than) : Number.NaN]
    return Number.isNaN(here) || Number.isNaN(there) ? undefined : here > there
  }
  if (match !== undefined) {
    const strong = tagsOf(match).filter(({ weak }) => !weak)
    if (strip(match) !== '*' && !strong.some(({ opaque }) => etags.includes(opaque))) return 'failed'
  } else if (asked['if-unmodified-since'] !== undefined && isLater(asked['if-unmodified-since'])) return 'failed'
  if (noneMatch !== undefined) {
    const holds = strip(noneMatch) === '*' || tagsOf(noneMatch).some(({ opaque }) => etags.includes(opaque))
    return holds ? 'not modified' : 'send'
  }
  const since = asked['if-modified-since']
  return since !== undefined && isLater(since) === false ? 'not modified' : 'send'
}

/** Entity tags in a list, read character by character. */
function tagsOf(header: string): { weak: boolean; opaque: string }[] {
  const tags: { weak: boolean; opaque: string }[] = []
  for (let at = 0; at < header.length; ) {
    if (header[at] !== '"') {
      at++
      continue
    }
    const end = header.indexOf('"', at + 1)
    if (end < 0) break
    tags.push({ weak: header.slice(Math.max(0, at - 2), at) === 'W/', opaque: header.slice(at, end + 1) })
    at = end + 1
  }
  return tags
}

function isHttpDate(text: string): boolean {
  return text !== '' && !Number.isNaN(Date.parse(text)) && new Date(text).toUTCString() === text
}

/** Whether If-Range is this very tag, byte by byte. */
export function matchingTag(ifRange: string, etag: string | undefined): boolean {
  return etag !== undefined && ifRange.startsWith('"') && ifRange === etag
}

/** RFC 9110 section 12.5.3, with the preference of this node among what a client takes equally. */
export function encodingsOf(header: string) {
  const said = new Map<string, number>()
  for (const part of header.split(',')) {
    const [name = '', ...parameters] = part
      .toLowerCase()
      .split(';')
      .map((text) => text.trim())
    const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    said.set(name === 'x-gzip' ? 'gzip' : name, q === undefined ? 1 : weightOf(q))
  }
  const gzip = said.get('gzip') ?? said.get('*') ?? 0
  const least = said.get('identity') ?? 0
  const offers = [
    { name: 'zstd', weight: said.get('zstd') ?? 0 },
    { name: 'br', weight: said.get('br') ?? 0 },
    { name: 'gzip', weight: gzip },
  ]
  const taken = offers.filter(({ weight }) => weight > 0 && weight >= least)
  const best = [...new Set(taken.map(({ weight }) => weight))].sort((a, b) => b - a)
  return best.flatMap((weight) => taken.filter((offer) => offer.weight === weight).map(({ name }) => name))
}

function weightOf(q: string): number {
  const [whole = '', decimals = '', ...more] = q.split('.')
  const legal = more.length === 0 && (whole === '0' || whole === '1') && decimals.length <= 3 && isDigits(decimals)
  return legal && Number(`${whole}.${decimals}`) <= 1 ? Number(`${whole}.${decimals}`) : 0
}
