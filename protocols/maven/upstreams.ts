import { getDefaultRegistry } from 'purl'

/** The central repository, where the package-URL data know it. */
export const defaultUpstreams: readonly string[] = [getDefaultRegistry('maven')]
  .filter((registry) => registry !== null)
  .map((registry) => new URL(registry.endsWith('/') ? registry : `${registry}/`).href)
