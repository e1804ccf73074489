export type Variant = 'full' | 'abbreviated'

export const ABBREVIATED_TYPE = 'application/vnd.npm.install-v1+json'
export const FULL_TYPE = 'application/json'

/** Characters of an `accept` header that are read; clients send fewer than 100. */
const MAX_ACCEPT = 1024

/**
 * Which form of a document a client gets (RFC 9110 section 12.5.1): the abbreviated one when it names that type with a weight
 * above zero and not below that of JSON. Who sends a wildcard, or no header at all, expects the full one.
 */
export function chooseVariant(accept: string | string[] | undefined): Variant {
  const text = (Array.isArray(accept) ? accept.join(',') : (accept ?? '')).slice(0, MAX_ACCEPT)
  const weights = readWeights(text)
  const abbreviated = weights.get(ABBREVIATED_TYPE) ?? 0
  const full = weights.get(FULL_TYPE) ?? weights.get('application/*') ?? weights.get('*/*') ?? 0
  return abbreviated > 0 && abbreviated >= full ? 'abbreviated' : 'full'
}

function readWeights(accept: string): Map<string, number> {
  const weights = new Map<string, number>()
  // Quoted parameter values may hold commas and semicolons, and none of them matters here. One that never ends takes the rest
  // along: looked for again from each of its quotes, it would take time that grows with the square of its length.
  for (const element of accept.replace(/"(?:[^"\\]|\\.?)*(?:"|$)/gs, '').split(',')) {
    const [type = '', ...parameters] = element.toLowerCase().split(';')
    const weight = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('q='))
    weights.set(type.trim(), weight === undefined ? 1 : readWeight(weight.slice(2)))
  }
  return weights
}

/** A weight that breaks the grammar (RFC 9110 section 12.4.2) is no wish at all. */
function readWeight(text: string): number {
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0
}
