import { NEGOTIATED } from './media-types.ts'

/** The types of manifests that a client takes, joined by commas; empty when it takes all that there are. */
export type Variant = string

/** Characters of an `accept` header that are read; those of clients have fewer than 700. */
const MAX_ACCEPT = 2048

/**
 * Which manifests a tag may be answered with (RFC 9110 section 12.5.1). Who says nothing of manifests gets what upstream
 * prefers, as it would there. All spellings of a wish give one variant, since it becomes part of the key.
 */
export function variantOf(accept: string | string[] | undefined): Variant {
  const text = (Array.isArray(accept) ? accept.join(',') : (accept ?? '')).slice(0, MAX_ACCEPT).toLowerCase()
  const weights = new Map(text.split(',').map(readElement))
  const any = weights.get('application/*') ?? weights.get('*/*') ?? false
  const accepted = NEGOTIATED.filter((type) => weights.get(type) ?? any)
  return accepted.length === NEGOTIATED.length ? '' : accepted.join(',')
}

/** How upstream is asked for a variant. */
export function acceptOf(variant: Variant): string {
  return variant === '' ? [...NEGOTIATED, '*/*'].join(', ') : variant.split(',').join(', ')
}

/** A type, and whether it is wanted at all: weights between manifests are for upstream to know better. */
function readElement(element: string): [type: string, isWanted: boolean] {
  const [type = '', ...parameters] = element.split(';').map((part) => part.trim())
  return [type, !parameters.some((parameter) => /^q=0(?:\.0{0,3})?$/.test(parameter))]
}
