import { z } from 'zod'
import { ecosystems } from './built-ins.ts'
import { mistakeInMirror } from './config/layers.ts'
import { block, minimumAge, packagePatterns } from './config/policy.ts'
import type { Effect } from './ledger/effect.ts'
import { purgeScope } from './purge/scope.ts'

const SETTINGS: Readonly<Record<string, z.ZodType>> = {
  allow: packagePatterns,
  deny: packagePatterns,
  minimumAge,
  minimumAgeExceptions: packagePatterns,
}

/**
 * What is wrong with what an op says, for whoever hands it in: a node that has heard of it can only leave it out. Undefined where
 * nothing is.
 */
export function mistakeIn(effect: Effect): string | undefined {
  switch (effect.kind) {
    case 'purged':
      return mistakeOf(z.array(purgeScope), effect.scopes, 'scopes')
    case 'package blocked':
      return mistakeOf(block, { purl: effect.purl, ...(effect.reason !== undefined && { reason: effect.reason }) }, 'body')
    case 'policy set':
      return mistakeOf(SETTINGS[effect.setting] ?? z.never(), effect.value, effect.setting)
    case 'mirror set':
      return mistakeInMirror(effect.name, effect.entry, ecosystems)
    default:
      return undefined
  }
}

function mistakeOf(schema: z.ZodType, value: unknown, where: string): string | undefined {
  const [issue] = schema.safeParse(value).error?.issues ?? []
  return issue && `${[where, ...issue.path].join('.')} must be ${issue.message}`
}
