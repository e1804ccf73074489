import { formatDigest } from '../digest.ts'
import type { MirrorConfig } from './schema.ts'

/** A mirror as it could be written down: read again, it is the same one. */
export function entryOf(mirror: MirrorConfig): Readonly<Record<string, unknown>> {
  const {
    name: _name,
    upstreams,
    routes,
    authorities = [],
    lifetime,
    pins,
    local,
    tarballUrls,
    onDemand: _onDemand,
    ...rest
  } = mirror
  const site = (url: string) => {
    const authority = authorities.find(({ origin }) => origin === new URL(url).origin)
    return authority ? { url, ca: authority.file } : url
  }
  const bound = routes?.map(({ pattern, upstream }) => [pattern, upstream === undefined ? false : site(upstream)])
  return {
    ...rest,
    // What a client names is asked by a mirror for any registry.
    ...(upstreams.length > 0 ? { upstreams: upstreams.map(site) } : {}),
    ...(bound ? { routes: Object.fromEntries(bound) } : {}),
    ...(lifetime === undefined ? {} : { lifetime: `${lifetime}ms` }),
    ...(tarballUrls === 'preserve' ? { tarballUrls } : {}),
    ...(pins ? { pins: Object.fromEntries(Object.entries(pins).map(([path, digest]) => [path, formatDigest(digest)])) } : {}),
    ...(local ? { local } : {}),
  }
}
