import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'

/** Throws an Error for what is no list of tags (OCI Distribution 1.1, section «Listing Tags»), such as a login page. */
export function parseTagList(bytes: Buffer): ParsedDocument<null> {
  const value: unknown = JSON.parse(bytes.toString())
  const { tags } = Object(value) as Record<string, unknown>
  // Some registries say null of a repository without tags.
  const isList = tags === null || (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string'))
  if (!isList) throw new Error('a list of tags has an array of them')
  return { spans: [], facts: null }
}

export const tagListParser: DocumentParser<null> = {
  id: 'oci-tags-1',
  module: import.meta.url,
  exportName: 'parseTagList',
  parse: parseTagList,
}
