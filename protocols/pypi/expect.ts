import type { Expectation, Lookup, Plan } from '../../node/cache/plan.ts'
import { type Digest, formatDigest } from '../../node/digest.ts'
import { WarrenError } from '../../node/errors.ts'
import { findIn } from '../lookups.ts'
import { type FileFacts, findFiles, type PageFacts, pageFacts } from './facts.ts'
import type { FilePath } from './paths.ts'
import { absoluteUrl } from './urls.ts'

/** A file, or a wheel for the metadata in it that are promised beside it, or what is beside a file. */
export type Part = 'file' | 'wheel' | 'metadata' | 'signature'

export interface Asked extends FilePath {
  readonly part: Part
  /** The page that names the file. */
  readonly page: Plan
  /** Name of the mirror, for messages. */
  readonly mirror: string
  /** Hosts beside the index's own that files may come from; all that the page names, if not set. */
  readonly fileHosts?: readonly string[]
}

/** What stands behind the name of a file, or behind its URL. */
export const ENDINGS: Readonly<Record<Part, string>> = { file: '', wheel: '', metadata: '.metadata', signature: '.asc' }

/**
 * Where a file is and what must be true of it, by the page that names it: as it is at hand, else as upstream has it now. Nothing is
 * fetched from anywhere that the page does not name. Rejects with UPSTREAM_ABSENT when it does not name the file, with
 * UPSTREAM_REFUSED when that must not be fetched, and as the page does.
 */
export async function expectFile(asked: Asked, lookup: Lookup, signal: AbortSignal): Promise<Expectation> {
  const named = await findNamed(asked, lookup, signal)
  if (named) return expectationOf(named, asked)
  const promise = asked.digest ? ` with ${formatDigest(asked.digest)}` : ' without a digest'
  throw new WarrenError('UPSTREAM_ABSENT', `${asked.mirror}: the page of «${asked.project}» names no ${asked.file}${promise}`)
}

/** When a file was uploaded, in ms since the epoch; undefined where the page does not tell. */
export async function uploadTime(asked: Asked, lookup: Lookup, signal: AbortSignal): Promise<number | undefined> {
  return (await findNamed(asked, lookup, signal))?.file.published
}

function findNamed(asked: Asked, lookup: Lookup, signal: AbortSignal): Promise<Named | undefined> {
  return findIn(asked.page, (facts) => find(facts, asked), lookup, signal)
}

interface Named {
  readonly facts: PageFacts
  readonly file: FileFacts
}

function find(given: unknown, { project, file, digest, part }: Asked): Named | undefined {
  const facts = pageFacts(given, project)
  if (!facts) return undefined
  const wanted = digest && formatDigest(digest)
  const found = findFiles(facts, file).find((one) => (one.digest && formatDigest(one.digest)) === wanted && hasPart(one, part))
  return found && { facts, file: found }
}

function hasPart({ metadata, signed }: FileFacts, part: Part): boolean {
  if (part === 'metadata' || part === 'wheel') return metadata !== undefined
  return part === 'file' || signed !== false
}

function expectationOf({ facts, file }: Named, asked: Asked): Expectation {
  const { page, part, mirror } = asked
  const digests = digestsOf(file, part)
  const url = absoluteUrl(file.url, page.url, facts)
  if (!url) throw new WarrenError('UPSTREAM_REFUSED', `${mirror}: the page names no web address for ${file.file}`)
  checkHost(url, asked)
  // Without a digest nothing would show what was changed on the way.
  if (digests.length === 0 && url.protocol === 'http:' && page.url.startsWith('https:')) {
    throw new WarrenError('UPSTREAM_REFUSED', `${mirror}: ${file.file} has no digest, and is to be had by plain http only`)
  }
  // What is beside a file has its ending behind the path, before any query.
  url.pathname += ENDINGS[part]
  url.hash = ''
  return { digests, url: url.href }
}

function digestsOf({ digest, metadata }: FileFacts, part: Part): readonly Digest[] {
  if (part === 'file' || part === 'wheel') return digest ? [digest] : []
  return part === 'metadata' && metadata !== undefined && metadata !== true ? [metadata] : []
}

/**
 * A mirror may say which hosts it takes files from: many indexes link to wherever a project asked them to. Where such a host redirects
 * to is its own business, as that of any upstream is: those with a CDN send on to names that change.
 */
function checkHost(url: URL, { fileHosts, page, mirror, file }: Asked): void {
  if (fileHosts === undefined || url.host === new URL(page.url).host || fileHosts.includes(url.host)) return
  const right = `add it to mirrors.${mirror}.fileHosts if files may come from there`
  throw new WarrenError('UPSTREAM_REFUSED', `${mirror}: the page puts ${file} on ${url.host}, which is not asked; ${right}`)
}
