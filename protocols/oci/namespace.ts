import { WarrenError } from '../../node/errors.ts'
import { isRegistry } from './registries.ts'

/** Characters of a query. */
const MAX_QUERY = 4096

/**
 * The registry that a client names in `?ns=`, as it spelt it (Distribution 1.1, «Registry Proxying»); an empty one names none. Throws
 * NO_SUCH_MIRROR for what can be no registry, so that the rest can be echoed in a header.
 */
export function namespaceOf(query: string): string | undefined {
  if (!/[?&]ns=/.test(query)) return undefined
  const named = query.length <= MAX_QUERY ? new Set(new URLSearchParams(query).getAll('ns')) : new Set<string>()
  const [namespace, ...others] = named
  if (namespace === '' && others.length === 0) return undefined
  if (namespace === undefined || others.length > 0 || !isRegistry(namespace)) {
    throw new WarrenError('NO_SUCH_MIRROR', '«ns» has to name one registry, such as ns=docker.io or ns=localhost:5000')
  }
  return namespace
}
