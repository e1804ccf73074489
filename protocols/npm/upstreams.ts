import { getDefaultRegistry } from 'purl'

/** The public npm registry, where the package-URL data know it. */
export const defaultUpstreams: readonly string[] = [getDefaultRegistry('npm')]
  .filter((registry) => registry !== null)
  .map((registry) => new URL(registry).href)
