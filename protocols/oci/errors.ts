import { parseDigest } from '../../node/digest.ts'
import type { ErrorCode, WarrenError } from '../../node/errors.ts'

/** Codes of OCI Distribution 1.1, section «Error Codes»; of the others Docker's, and what those of other registries are called. */
const CODES: Partial<Record<ErrorCode, string>> = {
  METHOD_NOT_ALLOWED: 'UNSUPPORTED',
  NO_SUCH_MIRROR: 'NAME_UNKNOWN',
  UPSTREAM_DENIED: 'DENIED',
  UPSTREAM_LEGAL: 'DENIED',
  UPSTREAM_BUSY: 'TOOMANYREQUESTS',
  FOREIGN_HOST: 'DENIED',
  FOREIGN_ORIGIN: 'DENIED',
  RANGE_NOT_SATISFIABLE: 'SIZE_INVALID',
}

/** Characters of a message; clients print it on one line. */
const MAX_MESSAGE = 500

/** An error as clients of registries read it. Only the first line of the message goes out, so that no stack ever does. */
export function formatError(error: WarrenError, path: string): { contentType: string; body: string } {
  const message = (error.message.split(/[\r\n]/, 1)[0] ?? '').slice(0, MAX_MESSAGE)
  const wait = error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }
  const detail = { warren: error.code, ...wait }
  return { contentType: 'application/json', body: JSON.stringify({ errors: [{ code: codeOf(error, path), message, detail }] }) }
}

function codeOf({ code, status }: WarrenError, path: string): string {
  const [, kind = '', reference = ''] = /\/(manifests|blobs|referrers|tags)\/([^/]*)$/.exec(path) ?? []
  if (code === 'UPSTREAM_ABSENT' || code === 'UPSTREAM_GONE') {
    if (kind === 'blobs') return 'BLOB_UNKNOWN'
    return kind === 'manifests' ? 'MANIFEST_UNKNOWN' : 'NAME_UNKNOWN'
  }
  if (code === 'BAD_REQUEST' && kind !== '') {
    const isTag = kind === 'tags' || (kind === 'manifests' && !/:|%3a/i.test(reference))
    return isTag || parseDigest(reference) ? 'NAME_INVALID' : 'DIGEST_INVALID'
  }
  return CODES[code] ?? (status === 503 ? 'UNAVAILABLE' : 'UNKNOWN')
}
