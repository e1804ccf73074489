/** Where upstream's own page is, and where the client asked for it. */
export interface Page {
  /** What the path of a page of the same list ends with, such as `/v2/library/x/tags/list`. */
  readonly ending: string
  /** The target of the client's request. */
  readonly target: string
}

const NEXT = /^\s*<([^<>]{1,4096})>\s*;[^,]*\brel="?next"?/

/**
 * Upstream's `Link` to the next page (RFC 8288), leading to this node in the form in which the client asked: registries name
 * themselves in it, and know nothing of prefixes and `ns`. Undefined for what is no next page of the same list.
 */
export function nextPage(link: string, { ending, target }: Page): string | undefined {
  const reference = NEXT.exec(link)?.[1]
  const next = reference === undefined ? null : URL.parse(reference, `https://upstream.invalid${ending}`)
  if (!next?.pathname.endsWith(ending)) return undefined
  const [path = '', query = ''] = target.split('?', 2)
  const ns = new URLSearchParams(query).get('ns')
  const parameters = next.searchParams
  parameters.delete('ns')
  if (ns !== null) parameters.set('ns', ns)
  return `<${path}?${parameters}>; rel="next"`
}
