/** An absolute http(s) URL as the WHATWG standard reads it; undefined for everything else. */
export function httpUrl(text: string): URL | undefined {
  // The parser drops tabs and line ends without a word; what then is asked is not what was written.
  const url = /[\p{Cc} ]/u.test(text) ? null : URL.parse(text)
  return url && /^https?:$/.test(url.protocol) && /^https?:\/\/[^/]/i.test(text) ? url : undefined
}

export function hasCredentials(text: string): boolean {
  const url = httpUrl(text)
  return url !== undefined && (url.username !== '' || url.password !== '')
}

export function hasQueryOrFragment(text: string): boolean {
  return /[?#]/.test(text)
}

/** The one spelling of a base URL: WHATWG-serialised and ending in a slash, so that relative references resolve below it. */
export function canonicalBase(text: string): string {
  const url = new URL(text)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url.href
}
