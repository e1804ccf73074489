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
