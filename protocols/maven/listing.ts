import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'

/** What a page lists, with the times in ms since the epoch that servers print behind: as UTC, whatever they mean by it. */
export interface ListingFacts {
  /** Names as they are, directories without their slash. */
  readonly times: readonly (readonly [name: string, time: number])[]
}

/** `2009-11-04 20:01` (Apache, and repositories after it) or `04-Nov-2009 20:01` (nginx). Bounded, since the page is upstream's. */
const LINK =
  /<a\s[^<>]{0,1000}?href="([^"<>]{1,1000})"[^<>]{0,1000}>[^<]{0,1000}<\/a>(?:\s|<\/?td[^<>]{0,100}>){0,200}(\d{4}-\d\d-\d\d \d\d:\d\d|\d\d-[A-Z][a-z]{2}-\d{4} \d\d:\d\d)?/gi

/** Throws a plain Error for everything that has no links: clients are interested in nothing else. */
export function parse(bytes: Buffer): ParsedDocument<ListingFacts> {
  const links = [...bytes.toString('utf8').matchAll(LINK)]
  if (links.length === 0) throw new Error('a list of files has to be a page with links')
  const times = links.flatMap(([, href = '', printed]): [string, number][] => {
    const time = printed === undefined ? Number.NaN : Date.parse(`${printed.replaceAll('-', ' ')} UTC`)
    return Number.isNaN(time) ? [] : [[nameIn(href), time]]
  })
  return { spans: [], facts: { times } }
}

export const listingParser: DocumentParser<ListingFacts> = {
  id: 'maven-listing-1',
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
