import { promisify } from 'node:util'
import { brotliCompress, constants, gzip, zstdCompress } from 'node:zlib'

/** In the order in which they are chosen when a client takes several equally. */
const ENCODERS = {
  zstd: (bytes: Buffer) => promisify(zstdCompress)(bytes, { params: { [constants.ZSTD_c_compressionLevel]: 6 } }),
  br: (bytes: Buffer) =>
    promisify(brotliCompress)(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
    }),
  gzip: (bytes: Buffer) => promisify(gzip)(bytes, { level: 6 }),
} as const

export type Encoding = keyof typeof ENCODERS
const ENCODINGS = Object.keys(ENCODERS) as Encoding[]

/** Characters of an Accept-Encoding header that are read; clients send fewer than 50. */
const MAX_HEADER = 1_024

/** RFC 9110 section 12.4.2. */
const WEIGHT = /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/

export function encode(encoding: Encoding, bytes: Buffer): Promise<Buffer> {
  return ENCODERS[encoding](bytes)
}

/**
 * The encodings that a request accepts, best first, up to where it would rather have the plain form (RFC 9110 section 12.5.3).
 * Without the header it gets the plain one: that is what those understand who do not send it.
 */
export function acceptedEncodings(header: string | string[] | undefined): Encoding[] {
  if (header === undefined) return []
  const weights = new Map<string, number>()
  for (const part of String(header).slice(0, MAX_HEADER).toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim())
    const q = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    weights.set(name === 'x-gzip' ? 'gzip' : name, q === undefined ? 1 : WEIGHT.test(q) ? Number(q) : 0)
  }
  // Whoever says «anything» means what everybody can read.
  const any = weights.get('*') ?? 0
  const weight = (encoding: Encoding) => weights.get(encoding) ?? (encoding === 'gzip' ? any : 0)
  const least = weights.get('identity') ?? 0
  return ENCODINGS.filter((encoding) => weight(encoding) > 0 && weight(encoding) >= least).sort((a, b) => weight(b) - weight(a))
}
