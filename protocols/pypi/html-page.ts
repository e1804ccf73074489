import { isUtf8 } from 'node:buffer'
import type { ParsedDocument } from '../../node/cache/plan.ts'
import type { Digest } from '../../node/digest.ts'
import { type Anchor, type HtmlPage, readHtml } from './anchors.ts'
import { parseHash } from './digests.ts'
import { FactsWriter, type PageFacts } from './facts.ts'
import { isDistribution, isFileName, isProjectName, normaliseName } from './names.ts'
import { noPlaceOf, placeOf } from './paths.ts'
import { fileOf, hashOf, withoutHash } from './urls.ts'

/** What of a fragment stays as it is: the digest, in whatever algorithm. */
const HASH = /^\w+=[0-9A-Za-z]+$/

/**
 * Reads a page of HTML. Every link to a file becomes a span that leads to the mirror; what else the page links to stays. Without
 * links to files it has to say otherwise that it is such a page, since most other pages are login pages.
 */
export function parseHtml(bytes: Buffer): ParsedDocument<PageFacts> {
  const page = readHtml(bytes)
  const files = page.anchors.flatMap((anchor) => {
    const file = linkedFile(anchor)
    return file === undefined ? [] : { anchor, file }
  })
  // PEP 503: the text of a link is the name of the file.
  if (!files.some(({ anchor, file }) => anchor.text === file && isFileName(file)) && !isSimplePage(page)) {
    throw new Error('not a page of a project: it links to no file by its name, and does not say that it is one')
  }
  const named = nameOf(page)
  const { base } = page
  const facts = new FactsWriter()
  const spans: [number, number, string][] = []
  for (const { anchor, file } of files) spans.push(readFile(anchor, file, facts))
  const known = {
    ...(named === undefined ? {} : { name: named }),
    ...(isUtf8(bytes) ? {} : { latin: true as const }),
    ...(base === undefined ? {} : { base }),
  }
  return { spans, facts: { form: 'html', ...known, files: facts.files } }
}

/** The file that a link leads to, if it is one that installers would take; what it is called may be nothing that is served here. */
export function linkedFile({ href }: Pick<Anchor, 'href'>): string | undefined {
  const file = fileOf(href.text)
  if (file !== undefined && isDistribution(file)) return file
  // pip takes this for the name and version of whatever is there.
  return /[#&]egg=/.test(href.text) ? (file ?? '') : undefined
}

/** The file that a link leads to, if it is one that is served here. */
export function distributionOf(anchor: Pick<Anchor, 'href'>): string | undefined {
  const file = linkedFile(anchor)
  return file !== undefined && isDistribution(file) && isFileName(file) ? file : undefined
}

/** Digest and metadata that a link promises (PEP 503, 658, 714). */
export function promisesOf({ href, attributes }: Pick<Anchor, 'href' | 'attributes'>): {
  readonly digest?: Digest
  readonly metadata?: Digest | true
} {
  const digest = parseHash(hashOf(href.text))
  const given = attributes.get('data-core-metadata') ?? attributes.get('data-dist-info-metadata')
  const metadata = given === undefined || given === 'false' ? undefined : (parseHash(given) ?? true)
  return { ...(digest ? { digest } : {}), ...(metadata ? { metadata } : {}) }
}

/** What a page without any file has: the version of the API (PEP 629), or the title that all indexes give such pages. */
function isSimplePage({ metas, titles }: HtmlPage): boolean {
  return metas.has('pypi:repository-version') || titles.some((title) => /^\s*(?:links for|simple index)\b/i.test(title))
}

/** Whose page it is, if its title tells. What its files are called does not: anybody may name one after another project. */
function nameOf({ titles }: HtmlPage): string | undefined {
  for (const title of titles) {
    const name = /^\s*links for\s+(\S+)\s*$/i.exec(title)?.[1]
    if (name !== undefined && isProjectName(name)) return normaliseName(name)
  }
  return undefined
}

function readFile(anchor: Anchor, file: string, facts: FactsWriter): [number, number, string] {
  const { href, attributes } = anchor
  if (distributionOf(anchor) === undefined) return [href.start, href.end, noPlaceOf(file)]
  const { digest, metadata } = promisesOf(anchor)
  const sign = attributes.get('data-gpg-sig')
  const path = placeOf({ file, digest })
  const hash = hashOf(href.text)
  const suffix = `${path}${HASH.test(hash) ? `#${hash}` : ''}${aliasOf(anchor, metadata)}`
  const written = {
    file,
    ...(digest ? { digest } : {}),
    ...(metadata ? { metadata } : {}),
    ...(sign === undefined ? {} : { signed: sign === 'true' }),
    url: withoutHash(href.text),
  }
  facts.add(written, suffix.length)
  return [href.start, href.end, suffix]
}

/** Of two names for the same promise the one that is missing (PEP 714), as an attribute behind the value that it is written into. */
function aliasOf({ href, attributes }: Anchor, metadata: Digest | true | undefined): string {
  const names = ['data-core-metadata', 'data-dist-info-metadata']
  const missing = names.filter((name) => !attributes.has(name))
  if (!metadata || missing.length !== 1) return ''
  const value = metadata === true ? 'true' : `${metadata.algorithm}=${metadata.hex}`
  return `${href.quote} ${missing[0]}=${href.quote}${value}`
}
