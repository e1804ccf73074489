/** A form in which a page goes out: as upstream has it, where both will do, or the one that the client reads. */
export type Form = 'stored' | 'json' | 'html' | 'versioned-html'

export const JSON_TYPE = 'application/vnd.pypi.simple.v1+json'
export const VERSIONED_HTML_TYPE = 'application/vnd.pypi.simple.v1+html'
export const HTML_TYPE = 'text/html; charset=utf-8'
export const LATIN_HTML_TYPE = 'text/html; charset=iso-8859-1'

/**
 * What upstream is asked for: as pip writes it, since a CDN that keeps answers by `accept` has that one already. An index that knows
 * no JSON answers with HTML.
 */
export const ACCEPT = `${JSON_TYPE}, ${VERSIONED_HTML_TYPE}; q=0.1, text/html; q=0.01`

const JSON_NAMES = [JSON_TYPE, 'application/vnd.pypi.simple.latest+json', 'application/*']
const VERSIONED_NAMES = [VERSIONED_HTML_TYPE, 'application/vnd.pypi.simple.latest+html', 'application/*']
const PLAIN_NAMES = ['text/html', 'text/*', '*/*']

/** Characters of an `accept` header that are read; clients send fewer than 200. */
const MAX_ACCEPT = 1024

/**
 * The form that a client wants (PEP 691 «Version + Format Selection»). HTML for who does not say, as for the clients that there were
 * before JSON; undefined where it takes none that there is.
 */
export function chooseForm(accept: string | string[] | undefined): Form | undefined {
  const text = (Array.isArray(accept) ? accept.join(',') : (accept ?? '')).slice(0, MAX_ACCEPT)
  if (text.trim() === '') return 'html'
  const weights = readWeights(text)
  const weightOf = (names: readonly string[]) => weights.get(names.find((name) => weights.has(name)) ?? '') ?? 0
  const json = weightOf(JSON_NAMES)
  const versioned = weightOf(VERSIONED_NAMES)
  const plain = weightOf(PLAIN_NAMES)
  // A page of upstream's own HTML is given for either type: all clients that know the versioned one take the plain one as well.
  if (json > 0 && json >= Math.max(versioned, plain)) return versioned > 0 || plain > 0 ? 'stored' : 'json'
  if (plain >= versioned && plain > 0) return 'html'
  return versioned > 0 ? 'versioned-html' : undefined
}

function readWeights(accept: string): Map<string, number> {
  const weights = new Map<string, number>()
  for (const element of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = element.split(';')
    const weight = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('q='))
    weights.set(type.trim(), weight === undefined ? 1 : readWeight(weight.slice(2)))
  }
  return weights
}

/** A weight that breaks the grammar (RFC 9110 section 12.4.2) is no wish at all. */
function readWeight(text: string): number {
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(text) ? Number(text) : 0
}
