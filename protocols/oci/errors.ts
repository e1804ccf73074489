import type { ErrorCode, WarrenError } from '../../node/errors.ts'
import { messageOf } from '../error-text.ts'
import { isRepositoryName, parseImageDigest } from './names.ts'

/** Codes of OCI Distribution 1.1, section «Error Codes»; of the others Docker's, and what those of other registries are called. */
const CODES: Partial<Record<ErrorCode, string>> = {
  METHOD_NOT_ALLOWED: 'UNSUPPORTED',
  NO_SUCH_MIRROR: 'NAME_UNKNOWN',
  POLICY_DENIED: 'DENIED',
  UPSTREAM_DENIED: 'DENIED',
  UPSTREAM_LEGAL: 'DENIED',
  UPSTREAM_BUSY: 'TOOMANYREQUESTS',
  FOREIGN_HOST: 'DENIED',
  FOREIGN_ORIGIN: 'DENIED',
  RANGE_NOT_SATISFIABLE: 'SIZE_INVALID',
}

/** What is not there. Of referrers the code says that the API is not: clients then look for them under a tag. */
const ABSENT: Readonly<Record<string, string>> = {
  manifests: 'MANIFEST_UNKNOWN',
  blobs: 'BLOB_UNKNOWN',
  referrers: 'UNSUPPORTED',
}

/** An error as clients of registries read it; they print the message on one line. */
export function formatError(error: WarrenError, path: string): { contentType: string; body: string } {
  const wait = error.retryAfter === undefined ? {} : { retryAfter: error.retryAfter }
  const detail = { warren: error.code, ...wait }
  return {
    contentType: 'application/json',
    body: JSON.stringify({ errors: [{ code: codeOf(error, path), message: messageOf(error), detail }] }),
  }
}

function codeOf({ code, status }: WarrenError, path: string): string {
  const [, kind = '', reference = ''] = /\/(manifests|blobs|referrers|tags)\/([^/]*)$/.exec(path) ?? []
  if (code === 'UPSTREAM_ABSENT' || code === 'UPSTREAM_GONE') {
    return ABSENT[kind] ?? 'NAME_UNKNOWN'
  }
  if (code === 'BAD_REQUEST' && kind !== '') {
    // The name is right, so that it is the number of tags that is wrong.
    if (kind === 'tags' && isRepositoryName(nameIn(path))) return 'PAGINATION_NUMBER_INVALID'
    const isTag = kind === 'tags' || (kind === 'manifests' && !/:|%3a/i.test(reference))
    return isTag || parseImageDigest(reference) ? 'NAME_INVALID' : 'DIGEST_INVALID'
  }
  return CODES[code] ?? (status === 503 ? 'UNAVAILABLE' : 'UNKNOWN')
}

/** The repository in the path of a list of tags, whatever stands before it. */
function nameIn(path: string): string {
  return /^(?:.*\/)?v2\/(.+)\/tags\/list$/.exec(path)?.[1] ?? ''
}
