import type { PurgeRun } from '../../api/types.ts'

export const KINDS = {
  package: 'A package',
  mirror: 'A mirror',
  pattern: 'Paths of a mirror',
  digest: 'A digest',
  all: 'Everything',
} as const

export type Kind = keyof typeof KINDS

export interface Wanted {
  readonly kind: Kind
  readonly mirror: string
  readonly pattern: string
  readonly package: string
  readonly digest: string
}

/** What is sent for it. */
export function bodyOf({ kind, mirror, pattern, ...wanted }: Wanted): object {
  if (kind === 'all') return { all: true }
  if (kind === 'mirror') return { mirror }
  if (kind === 'pattern') return { mirror, pattern }
  return kind === 'package' ? { package: wanted.package } : { digest: wanted.digest }
}

/** A scope in words. */
export function scopeText(scope: PurgeRun['scopes'][number]): string {
  if (scope.kind === 'all') return 'everything'
  if (scope.kind === 'upstream') return `${scope.ecosystem} from ${scope.base}`
  if (scope.kind === 'path') return `${scope.pattern} of ${scope.ecosystem} from ${scope.base}`
  return scope.kind === 'package' ? scope.purl : scope.digest
}
