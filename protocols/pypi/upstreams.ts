import { getDefaultRegistry } from 'purl'

/** The simple API of the public index, where the package-URL data know its host. */
export const defaultUpstreams: readonly string[] = [getDefaultRegistry('pypi')]
  .filter((registry) => registry !== null)
  .map((registry) => new URL('simple/', registry.endsWith('/') ? registry : `${registry}/`).href)
