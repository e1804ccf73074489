const LIST = 'Package URLs, with * and ranges, one on each line'

export const SETTINGS = {
  deny: { title: 'Denied', how: LIST },
  allow: { title: 'Allowed, and nothing else of these types', how: LIST },
  minimumAge: { title: 'Minimum age', how: 'A span such as 3d, or by type as JSON: {"npm": "3d"}' },
  minimumAgeExceptions: { title: 'Exceptions from the minimum age', how: LIST },
} as const

export type Setting = keyof typeof SETTINGS

/** As it is typed. */
export function textOf(value: unknown): string {
  if (value === undefined) return ''
  if (Array.isArray(value)) return value.join('\n')
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

/** What is sent; what is no JSON is left for the node to judge. */
export function toSend(setting: Setting, text: string): unknown {
  if (setting !== 'minimumAge') return text.split('\n').flatMap((line) => line.trim() || [])
  try {
    return JSON.parse(text)
  } catch {
    return text.trim()
  }
}
