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

/** The last segment of a URL's path, decoded; undefined where it has none. */
export function fileOf(url: string): string | undefined {
  const path = withoutHash(url).split('?', 1)[0] ?? ''
  const last = path.slice(path.lastIndexOf('/') + 1)
  try {
    return last === '' ? undefined : decodeURIComponent(last)
  } catch {
    return undefined
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
