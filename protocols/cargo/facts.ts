/**
 * What is kept of an index file. `versions` is one text with a line a version, because it is read back from an index for each
 * archive: JSON.parse copies one string, but would build hundreds of objects. Nothing in it is looked up by property name.
 */
export interface CrateFacts {
  /** As the lines write it. */
  readonly name: string
  /** `\n` and then for each version `version \t sha256 \t published \n`; published in ms since the epoch, or empty. */
  readonly versions: string
  /** Crates of the same registry that a resolver is going to ask for next. */
  readonly dependencies: readonly string[]
}

/** What an index file says of one version. */
export interface Release {
  /** Of the archive, as hex. */
  readonly sha256: string
  readonly published?: number
}

/** Facts that came back from the cache, if they are those of the crate `name`, in any case. */
export function crateFacts(facts: unknown, name: string): CrateFacts | undefined {
  const given = facts as Partial<CrateFacts> | null | undefined
  const known = typeof given?.versions === 'string' && Array.isArray(given.dependencies) && typeof given.name === 'string'
  return known && given.name?.toLowerCase() === name.toLowerCase() ? (given as CrateFacts) : undefined
}

/** A version may be there more than once; without a checksum the last one is meant, as with cargo. */
export function findRelease({ versions }: CrateFacts, version: string, checksum?: string): Release | undefined {
  const newline = versions.lastIndexOf(`\n${version}\t${checksum === undefined ? '' : `${checksum}\t`}`)
  if (newline < 0) return undefined
  const [, sha256 = '', published = ''] = versions.slice(newline + 1, versions.indexOf('\n', newline + 1)).split('\t')
  return published === '' ? { sha256 } : { sha256, published: Number(published) }
}
