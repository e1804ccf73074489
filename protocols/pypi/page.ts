import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import type { PageFacts } from './facts.ts'
import { parseHtml } from './html-page.ts'
import { parseJson } from './json-page.ts'

/**
 * Reads a project's page, JSON (PEP 691) or HTML (PEP 503): the bytes tell which one it is. Throws for everything that is none, so
 * that a login page, an empty object or half a page never takes the place of a good one.
 */
export function parse(bytes: Buffer): ParsedDocument<PageFacts> {
  return isJson(bytes) ? parseJson(bytes) : parseHtml(bytes)
}

/** Whether a page is in JSON. */
export function isJson(bytes: Buffer): boolean {
  return /^[\t\n\r ]*\{/.test(bytes.toString('latin1', 0, 64))
}

export const pageParser: DocumentParser<PageFacts> = { id: 'pypi-page-3', module: import.meta.url, exportName: 'parse', parse }
