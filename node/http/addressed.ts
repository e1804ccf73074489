import type { Planned } from '../../protocols/protocol.ts'
import type { Found } from '../cache/found.ts'

/** What was found, as it is told to whoever asked in this way: several ways of asking share what the cache holds. */
export function addressed(found: Found, { fields, link }: Pick<Planned, 'fields' | 'link'>): Found {
  const kept = found.headers.link
  if (!fields && kept === undefined) return found
  const { link: _, ...others } = found.headers
  const leading = kept === undefined ? undefined : link?.(kept)
  return { ...found, headers: { ...others, ...fields, ...(leading === undefined ? {} : { link: leading }) } }
}
