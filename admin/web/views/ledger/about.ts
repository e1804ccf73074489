import type { OpAnswer } from '../../../api/ops-schema.ts'
import type { PurgeRun } from '../../api/types.ts'
import { scopeText } from '../../scope-text.ts'

/** What an op is about, for people: of a purge its subject is only its hash. */
export function aboutOf({ type, body, subject }: OpAnswer): string {
  const scopes = type === 'purge' && Array.isArray(body.scopes) ? (body.scopes as PurgeRun['scopes']) : []
  return scopes.length > 0 ? scopes.map(scopeText).join(', ') : (subject ?? 'something that this version does not know')
}
