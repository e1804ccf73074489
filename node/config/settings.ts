import { z } from 'zod'
import { schema } from './schema.ts'

export interface Setting {
  readonly key: string
  readonly description: string
  readonly rule: z.ZodType
  /** A list may be written with commas in the environment, and as a single value in the file. */
  readonly list: boolean
  /** Neither messages nor listings repeat its value. */
  readonly secret: boolean
}

/** Where the names of mirrors begin in keys such as `mirrors.npm`. */
export const MIRRORS = 'mirrors'

/** What the names of settings of the policy begin with. */
export const POLICY = 'policy.'

/** Holds passwords and tokens. */
export const CREDENTIALS = 'credentials'

/** Settings by dotted key, in the order of the schema; `mirrors` stands for all mirrors. */
export const settings: ReadonlyMap<string, Setting> = new Map(collect(schema, '').map((setting) => [setting.key, setting]))

/** Keys that only hold further keys, such as `store`. */
export const groups: ReadonlySet<string> = new Set(
  [...settings.keys()].filter((key) => key.includes('.')).map((key) => key.slice(0, key.lastIndexOf('.'))),
)

/** `store.minFree` is `WARREN_STORE_MIN_FREE`. */
export function variableFor(key: string): string {
  return `WARREN_${words(key).join('_').toUpperCase()}`
}

/** `admin.listen` is `--admin-listen`. */
export function flagFor(key: string): string {
  return `--${words(key).join('-').toLowerCase()}`
}

function words(key: string): string[] {
  return key.replace(/[A-Z]/g, (hump) => `.${hump}`).split('.')
}

function collect(group: z.ZodObject, prefix: string): Setting[] {
  return Object.entries(group.shape).flatMap(([name, rule]): Setting[] => {
    const key = prefix + name
    if (rule instanceof z.ZodObject) return collect(rule, `${key}.`)
    return [{ key, description: rule.description ?? '', rule, list: rule instanceof z.ZodArray, secret: key === CREDENTIALS }]
  })
}
