import type { PurgeRun } from './api/types.ts'

/** A scope in words. */
export function scopeText(scope: PurgeRun['scopes'][number]): string {
  if (scope.kind === 'all') return 'everything'
  if (scope.kind === 'upstream') return `${scope.ecosystem} from ${scope.base}`
  if (scope.kind === 'path') return `${scope.pattern} of ${scope.ecosystem} from ${scope.base}`
  return scope.kind === 'package' ? scope.purl : scope.digest
}
