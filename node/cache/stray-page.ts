import type { Plan } from './plan.ts'

const IS_PAGE = /^text\/html\b/i

/**
 * Whether upstream's headers are those of a web page where none was asked for: the login of a network answers 200 to everything. An
 * artifact may be sent as one by a server that knows no better, but then only its digest tells.
 */
export function isStrayPage({ url, responseHeaders }: Plan, headers: Readonly<Record<string, string>>): boolean {
  if (!IS_PAGE.test(headers['content-type'] ?? '')) return false
  return !IS_PAGE.test(responseHeaders?.['content-type'] ?? '') && !/\.x?html?$/i.test(new URL(url).pathname)
}
