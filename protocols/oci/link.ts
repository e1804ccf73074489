/** Where upstream's own page is, and where the client asked for it. */
export interface Page {
  /** What the path of a page of the same list ends with, such as `/v2/library/x/tags/list`. */
  readonly ending: string
  /** The target of the client's request. */
  readonly target: string
}

/** Characters of the header that are read. */
const MAX_LINK = 8 * 1024
/** RFC 8288 section 3; sticky, so that nothing is skipped. */
const LINK = /[\s,]*<([^<>]*)>((?:\s*;\s*[!#$&+\-.^_`|~\w*]+\s*(?:=\s*(?:"(?:[^"\\]|\\.)*"|[^\s",;]+))?)*)/y
const REL = /;\s*rel\s*=\s*(?:"([^"]*)"|([^\s",;]+))/i

/**
 * Upstream's `Link` to the next page, leading to this node in the form in which the client asked: registries name themselves in
 * it, and know nothing of prefixes and `ns`. Undefined where there is no next page of the same list.
 */
export function nextPage(link: string, { ending, target }: Page): string | undefined {
  const reference = nextReference(link.slice(0, MAX_LINK))
  const next = reference === undefined ? null : URL.parse(reference, `https://upstream.invalid${ending}`)
  if (!next?.pathname.endsWith(ending)) return undefined
  const [path = '', query = ''] = target.split('?', 2)
  const ns = new URLSearchParams(query).get('ns')
  const parameters = next.searchParams
  parameters.delete('ns')
  if (ns !== null) parameters.set('ns', ns)
  return `<${path}?${parameters}>; rel="next"`
}

function nextReference(link: string): string | undefined {
  LINK.lastIndex = 0
  for (let found = LINK.exec(link); found; found = LINK.exec(link)) {
    const [, reference, parameters = ''] = found
    const [, quoted, token = ''] = REL.exec(parameters) ?? []
    if ((quoted ?? token).toLowerCase().split(/\s+/).includes('next')) return reference
  }
  return undefined
}
