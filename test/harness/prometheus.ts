/** One series at one moment. */
interface Series {
  /** Name of the family, and a suffix where it is a histogram's. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface MetricFamily {
  readonly type: string
  readonly help: string
  readonly series: readonly Series[]
}

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const META = new RegExp(`^# (HELP|TYPE) (${NAME}) (.+)$`)
const SERIES = new RegExp(`^(${NAME})(?:\\{(.*)\\})? (\\S+)$`)
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/gy

/**
 * Reads a page in the text format of Prometheus (version 0.0.4), and nothing that only looks like one: each family is told once, with
 * help and type before its series, no series twice, histograms add up. Throws with the line that is wrong.
 */
export function parseMetrics(text: string): ReadonlyMap<string, MetricFamily> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, { type: string; help: string; series: Series[] }>()
  const seen = new Set<string>()
  let current = ''
  for (const line of text.split('\n')) {
    const wrong = (what: string) => new Error(`${what}: ${line}`)
    if (line === '') continue
    const [, kind, family = '', rest = ''] = META.exec(line) ?? []
    if (kind === 'HELP') {
      if (families.has(family)) throw wrong('a second time')
      families.set(family, { type: '', help: rest, series: [] })
      current = family
    } else if (kind === 'TYPE') {
      const known = families.get(family)
      if (!known || current !== family || known.type !== '' || known.series.length > 0) throw wrong('out of order')
      if (!/^(?:counter|gauge|histogram)$/.test(rest)) throw wrong('no type')
      known.type = rest
    } else {
      const [, name = '', labelled = '', value = ''] = SERIES.exec(line) ?? []
      const known = families.get(current)
      if (!known?.type) throw wrong('no series')
      const suffix = known.type === 'histogram' ? /_(?:bucket|sum|count)$/ : /$/
      if (name.replace(suffix, '') !== current) throw wrong('of another family')
      const labels = readLabels(labelled)
      const key = name + JSON.stringify(Object.entries(labels).sort())
      if (seen.has(key)) throw wrong('a second time')
      seen.add(key)
      if (!/^(?:[+-]?\d[\d.]*(?:e[+-]?\d+)?|[+-]Inf|NaN)$/.test(value)) throw wrong('no number')
      const number = Number(value.replace('Inf', 'Infinity'))
      if (known.type === 'counter' && !(number >= 0)) throw wrong('a counter below nothing')
      known.series.push({ name, labels, value: number })
    }
  }
  for (const [name, { type, series }] of families) if (type === 'histogram') checkHistogram(name, series)
  return families
}

/** The sum of all series of a family that have these labels. */
export function sumOf(page: ReturnType<typeof parseMetrics>, name: string, labels: Record<string, string> = {}): number {
  const family = page.get(name) ?? page.get(name.replace(/_(?:bucket|sum|count)$/, ''))
  if (!family) throw new Error(`there is no ${name}`)
  const wanted = Object.entries(labels)
  return family.series
    .filter((one) => one.name === name && wanted.every(([label, value]) => one.labels[label] === value))
    .reduce((sum, { value }) => sum + value, 0)
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let at = 0
  LABEL.lastIndex = 0
  while (at < text.length) {
    const [whole, name = '', value = '', comma] = LABEL.exec(text) ?? []
    if (whole === undefined || name in labels) throw new Error(`no labels: ${text}`)
    labels[name] = value.replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped))
    at += whole.length
    if (comma === ',' && at === text.length) throw new Error(`a comma at the end: ${text}`)
  }
  return labels
}

function checkHistogram(name: string, series: readonly Series[]): void {
  const groups = new Map<string, { le: number; value: number }[]>()
  const keyOf = ({ le: _le, ...labels }: Readonly<Record<string, string>>) => JSON.stringify(Object.entries(labels).sort())
  for (const one of series.filter((each) => each.name === `${name}_bucket`)) {
    const le = Number(one.labels.le?.replace('Inf', 'Infinity'))
    groups.set(keyOf(one.labels), [...(groups.get(keyOf(one.labels)) ?? []), { le, value: one.value }])
  }
  for (const [key, buckets] of groups) {
    const grows = buckets.every(({ le, value }, at) => {
      const before = buckets[at - 1]
      return !before || (le > before.le && value >= before.value)
    })
    const count = series.find((one) => one.name === `${name}_count` && keyOf(one.labels) === key)?.value
    const last = buckets.at(-1)
    const hasSum = series.some((one) => one.name === `${name}_sum` && keyOf(one.labels) === key)
    if (!grows || last?.le !== Number.POSITIVE_INFINITY || last.value !== count || !hasSum)
      throw new Error(`${name} does not add up for ${key}`)
  }
}
