import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'

/** What a page lists, with the times in ms since the epoch that servers print behind: as UTC, whatever they mean by it. */
export interface ListingFacts {
  /** Names as they are, directories without their slash. */
  readonly times: readonly (readonly [name: string, time: number])[]
}

/** More than any directory has; pages are upstream's, and what is kept of them must not be of any size. */
const MAX_TIMES = 20_000
/** `2009-11-04 20:01` (Apache, and repositories after it) or `04-Nov-2009 20:01` (nginx). */
const TIME = /^(?:\d{4}-\d\d-\d\d|\d\d-[A-Z][a-z]{2}-\d{4}) \d\d:\d\d/
const HREF = /\shref="/i

/** Throws a plain Error for everything that has no links: clients are interested in nothing else. */
export function parse(bytes: Buffer): ParsedDocument<ListingFacts> {
  const times: [string, number][] = []
  let links = 0
  let open: string | undefined
  let closed: string | undefined
  // Tag by tag, since a pattern for a whole line takes time without end for a page that almost has some.
  for (const { tag, text } of tagsOf(bytes.toString('utf8'))) {
    const link: string | undefined = open
    open = /^a\s/i.test(tag) ? hrefIn(tag) : undefined
    if (/^\/a$/i.test(tag)) closed = link
    else if (!/^\/?td\b/i.test(tag)) closed = undefined
    if (closed === undefined) continue
    if (closed === link) links++
    const [printed] = TIME.exec(text) ?? []
    const time = printed === undefined ? Number.NaN : Date.parse(`${printed.replaceAll('-', ' ')} UTC`)
    if (!Number.isNaN(time) && times.length < MAX_TIMES) times.push([nameIn(closed), time])
    if (text !== '') closed = undefined
  }
  if (links === 0) throw new Error('a list of files has to be a page with links')
  return { spans: [], facts: { times } }
}

/** What is between `<` and `>`, and the text behind it without white space at its beginning. */
function* tagsOf(page: string): Generator<{ tag: string; text: string }> {
  for (let start = page.indexOf('<'); start >= 0; ) {
    const next = page.indexOf('<', start + 1)
    const piece = page.slice(start + 1, next < 0 ? undefined : next)
    const end = piece.indexOf('>')
    if (end >= 0) yield { tag: piece.slice(0, end), text: piece.slice(end + 1).trimStart() }
    start = next
  }
}

function hrefIn(tag: string): string | undefined {
  const found = HREF.exec(tag)
  if (!found) return undefined
  const start = found.index + found[0].length
  return tag.slice(start, tag.indexOf('"', start)) || undefined
}

export const listingParser: DocumentParser<ListingFacts> = {
  id: 'maven-listing-2',
  module: import.meta.url,
  exportName: 'parse',
  parse,
}

function nameIn(href: string): string {
  const name = href.replace(/\/$/, '').replace(/^.*\//, '')
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}
