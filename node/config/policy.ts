import { z } from 'zod'
import { purlTypes } from '../policy/purl-types.ts'
import { PatternError, parseRule } from '../policy/rule.ts'
import { MAX_RULES } from './constants.ts'
import * as rules from './rules.ts'

const LIST_MUST = `a list of up to ${MAX_RULES} package URLs, such as pkg:npm/left-pad@<1.3.0`

/** Package URLs with wildcards and ranges, as they were written. */
export const packagePatterns = z.unknown().transform((given, context): readonly string[] => {
  const list = typeof given === 'string' ? listed(given) : given
  if (!Array.isArray(list) || list.length > MAX_RULES) {
    context.addIssue({ code: 'custom', message: LIST_MUST })
    return z.NEVER
  }
  return list.map((one: unknown, i) => {
    try {
      if (typeof one !== 'string') throw new PatternError('a package URL in quotes')
      return parseRule(one).text
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      context.addIssue({ code: 'custom', path: Array.isArray(given) ? [i] : [], message: error.message })
      return ''
    }
  })
})

/** As the environment has them: in JSON, or with commas between them, which ranges may have as well. */
function listed(text: string): unknown {
  if (!text.trim().startsWith('[')) return text.split(/,(?=\s*pkg:)/).map((one) => one.trim())
  return parsed(text)
}

const BLOCKS_MUST = `a list of up to ${MAX_RULES} blocks, each with purl and reason`
const REASON_MUST = 'a sentence of 1 to 512 characters in one line'

const pattern = z.unknown().transform((given, context): string => {
  const [purl] = packagePatterns.safeParse([given]).data ?? []
  if (purl !== undefined) return purl
  context.addIssue({ code: 'custom', message: messageOf(given) })
  return z.NEVER
})

/** A package URL that is blocked, and why. */
export const block = z.strictObject(
  {
    purl: pattern.describe('Package URL, with * for any characters and a range of versions, as in policy.deny'),
    reason: z
      .string({ error: REASON_MUST })
      .min(1, { error: REASON_MUST })
      .max(512, { error: REASON_MUST })
      .refine((text) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text), { error: REASON_MUST })
      .optional()
      .describe('Why, for whoever asks for it'),
  },
  { error: 'a group of purl and reason' },
)

export const blocks = z.array(block, { error: BLOCKS_MUST }).max(MAX_RULES, { error: BLOCKS_MUST })

/** What a pattern would have to be. */
function messageOf(given: unknown): string {
  const [issue] = packagePatterns.safeParse([given]).error?.issues ?? []
  return issue?.message ?? LIST_MUST
}

const AGE_MUST =
  'a duration from 0s to 365d, such as 3d, or a group of them by type of package URL, with default for all others'
const TYPES = ['default', ...purlTypes.keys()]

/** Ms by type of package URL. */
export const minimumAge = z.unknown().transform((given, context): Readonly<Record<string, number>> => {
  const value = typeof given === 'string' && given.trim().startsWith('{') ? parsed(given) : given
  const byType = typeof value === 'object' && value !== null && !Array.isArray(value)
  const ages: Record<string, number> = {}
  for (const [type, written] of byType ? Object.entries(value) : [['default', value] as const]) {
    const path = byType ? [type] : []
    const age = rules.age.safeParse(written)
    if (!TYPES.includes(type)) context.addIssue({ code: 'custom', path, message: `under one of ${TYPES.join(', ')}` })
    else if (age.success) ages[type] = age.data
    else context.addIssue({ code: 'custom', path, message: byType ? (age.error.issues[0]?.message ?? AGE_MUST) : AGE_MUST })
  }
  return ages
})

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
