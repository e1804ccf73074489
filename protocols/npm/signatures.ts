import type { DocumentParser, ParsedDocument } from '../../node/cache/plan.ts'
import { scan, shape } from '../json/scan.ts'

const SIGNATURES = shape({ keys: shape(), attestations: shape() })

/** Checks that a registry's keys or a version's attestations came, and not a login page. Clients verify what is in them. */
export function parse(bytes: Buffer): ParsedDocument<null> {
  const { members } = scan(bytes, SIGNATURES)
  if (members.get('keys')?.type !== 'array' && members.get('attestations')?.type !== 'array') {
    throw new Error('neither registry keys nor attestations: it has to be an object with a list of them')
  }
  return { spans: [], facts: null }
}

export const signaturesParser: DocumentParser<null> = {
  id: 'npm-signatures-1',
  module: import.meta.url,
  exportName: 'parse',
  parse,
}
