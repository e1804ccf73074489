import type { PageFacts } from './facts.ts'

/** A URL without its fragment, which is for the client. */
export function withoutHash(url: string): string {
  const at = url.indexOf('#')
  return at < 0 ? url : url.slice(0, at)
}

/** The fragment of a URL, without its `#`. */
export function hashOf(url: string): string {
  const at = url.indexOf('#')
  return at < 0 ? '' : url.slice(at + 1)
}

/**
 * The name of the file at a URL as installers read it: the last segment of its path, whatever slashes follow, decoded. White space
 * that parsers of URLs take out is none of it (WHATWG URL «Basic URL parser»). Undefined where there is none.
 */
export function fileOf(url: string): string | undefined {
  const [path = ''] = withoutHash(url)
    .replace(/[\t\n\r]/g, '')
    .replaceAll('\\', '/')
    .trim()
    .split('?', 1)
  let end = path.length
  while (path[end - 1] === '/') end--
  const last = path.slice(path.lastIndexOf('/', end - 1) + 1, end)
  if (last === '') return undefined
  try {
    return decodeURIComponent(last)
  } catch {
    // Some installers read it nevertheless.
    return last
  }
}

/**
 * Where a page says that something is: absolute, by https if that is how its index is reached. Undefined for what is not fetched:
 * other schemes, and URLs with credentials in them.
 */
export function absoluteUrl(given: string, page: string, { base = '' }: Pick<PageFacts, 'base'>): URL | undefined {
  const url = URL.parse(given, URL.parse(base, page)?.href ?? page)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) return undefined
  const index = new URL(page)
  // Indexes that moved to https, or stand behind a proxy that speaks it, go on to write the old scheme.
  if (url.protocol === 'http:' && index.protocol === 'https:' && url.host === index.host) url.protocol = 'https:'
  return url
}
