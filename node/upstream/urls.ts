import { WarrenError } from '../errors.ts'

/** The URL parser drops or escapes these without a word; in a URL that somebody made up they are an attempt at injection. */
const UNPRINTABLE = /[\0-\x20\x7f]/

/** Parses a URL that is going to be asked; rejects with UPSTREAM_REFUSED what is no plain http(s) URL. */
export function upstreamUrl(text: string, relativeTo?: URL): URL {
  const url = UNPRINTABLE.test(text) ? null : URL.parse(text, relativeTo?.href)
  const shown = () => JSON.stringify(text.slice(0, 100))
  if (!url) throw new WarrenError('UPSTREAM_REFUSED', `${shown()} is not a URL that can be asked`)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new WarrenError('UPSTREAM_REFUSED', `${shown()} is not asked: only http and https are spoken`)
  }
  if (url.username !== '' || url.password !== '') {
    throw new WarrenError(
      'UPSTREAM_REFUSED',
      `${url.origin} is not asked: credentials belong in the configuration, not in a URL`,
    )
  }
  url.hash = ''
  return url
}
