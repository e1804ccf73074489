import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { errorCodes } from '../../node/errors.ts'
import { exchange } from '../harness/http.ts'
import { parseMetrics } from '../harness/prometheus.ts'
import { parsePromql } from '../harness/promql.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'
import { eventually } from '../harness/wait.ts'

const deploy = new URL('../../deploy/', import.meta.url)

const ruleSchema = z.strictObject({
  alert: z.string().regex(/^Warren[A-Za-z]+$/),
  expr: z.string(),
  for: z
    .string()
    .regex(/^\d+[mh]$/)
    .optional(),
  labels: z.strictObject({ severity: z.enum(['warning', 'critical']) }),
  annotations: z.strictObject({ summary: z.string().min(10), action: z.string().min(30) }),
})
const alertsSchema = z.strictObject({ groups: z.array(z.strictObject({ name: z.string(), rules: z.array(ruleSchema) })) })

const panelSchema = z.looseObject({
  id: z.number(),
  type: z.enum(['row', 'timeseries', 'stat']),
  title: z.string().min(1),
  gridPos: z.strictObject({ h: z.number(), w: z.number(), x: z.number(), y: z.number() }),
  targets: z.array(z.looseObject({ refId: z.string(), expr: z.string() })).default([]),
})
const dashboardSchema = z.looseObject({
  uid: z.literal('warren'),
  title: z.string(),
  templating: z.looseObject({ list: z.array(z.looseObject({ name: z.string() })) }),
  annotations: z.looseObject({ list: z.array(z.looseObject({ expr: z.string() })) }),
  panels: z.array(panelSchema),
})

const alerts = alertsSchema.parse(parse(readFileSync(new URL('prometheus/alerts.yaml', deploy), 'utf8')))
const dashboard = dashboardSchema.parse(JSON.parse(readFileSync(new URL('grafana/warren.json', deploy), 'utf8')))
const rules = alerts.groups.flatMap((group) => group.rules)
const expressions = [
  ...rules.map(({ alert, expr }) => [alert, expr] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
  ...dashboard.annotations.list.map(({ expr }) => ['annotation', expr] as const),
]

/** Made by Prometheus itself. */
const OF_PROMETHEUS = ['up']
const LABELS_OF_PROMETHEUS = ['job', 'instance']
/** What labels may say of which a node has no series until it happens. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  source: ['local', 'flight', 'peer', 'seed', 'upstream', 'stale', 'fixed', 'none'],
  outcome: ['served', 'negative', 'denied', 'wrong', 'trouble', 'left'],
  code: errorCodes,
  upstream: ['other'],
}
const UNSEEN = ['upstream', 'source', 'protocol', 'le', 'state']

const temp = useTempFolders()

/** What a seed with a member tells, of which both have asked an upstream for something. */
async function pageOfSeed(): Promise<ReturnType<typeof parseMetrics>> {
  const upstream = await new ScriptedUpstream().start()
  onTestFinished(() => upstream.stop())
  const mesh = await TestMesh.create(temp, { upstream: upstream.origin })
  const member = await mesh.join({ upstream: upstream.origin })
  await exchange(`${mesh.seed.npm}nothing`)
  await exchange(`${member.npm}nothing`)
  return eventually('the seed has counted its pins', async () => {
    const page = parseMetrics(await mesh.seed.metrics())
    return (page.get('warren_pins')?.series ?? []).length > 0 && page
  })
}

test('dashboard and alerts read what a node tells', async () => {
  const page = await pageOfSeed()
  expect(expressions.length).toBeGreaterThan(50)
  for (const [place, text] of expressions) {
    const { selectors, labels } = parsePromql(text)
    expect(selectors.length, place).toBeGreaterThan(0)
    const known = new Set(LABELS_OF_PROMETHEUS)
    for (const { name, matchers } of selectors) {
      if (OF_PROMETHEUS.includes(name)) continue
      const family = page.get(name) ?? page.get(name.replace(/_(?:bucket|sum|count)$/, ''))
      expect(family, `${place}: ${name}`).toBeDefined()
      const own = family?.series.flatMap((one) => Object.keys(one.labels)) ?? []
      // A family without a series now, such as a budget, has labels that are not seen here.
      for (const label of own.length > 0 ? own : UNSEEN) known.add(label)
      for (const { label, value } of matchers) {
        if (LABELS_OF_PROMETHEUS.includes(label)) continue
        expect(known, `${place}: ${label}`).toContain(label)
        const values = VALUES[label] ?? family?.series.map((one) => one.labels[label])
        expect(values, `${place}: ${label}`).toContain(value)
      }
    }
    for (const label of labels) expect(known, place).toContain(label)
  }
})

test('each alert has a name of its own', () => {
  expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length)
})

test('what an alert says names labels that its expression leaves over', () => {
  for (const { expr, annotations } of rules) {
    const named = [...`${annotations.summary}${annotations.action}`.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label)
    const { labels } = parsePromql(expr)
    const by = /\bsum by \(/.test(expr) ? labels : ['job', 'instance', 'upstream', 'role', 'state']
    for (const label of named) expect(by, expr).toContain(label)
  }
})

test('panels are at places of their own, with sources that a dashboard brings along', () => {
  const taken = new Set<string>()
  for (const { gridPos: at } of dashboard.panels)
    for (let x = at.x; x < at.x + at.w; x++)
      for (let y = at.y; y < at.y + at.h; y++) {
        expect(taken.has(`${x} ${y}`)).toBe(false)
        expect(x).toBeLessThan(24)
        taken.add(`${x} ${y}`)
      }
  expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  const variables = new Set(dashboard.templating.list.map(({ name }) => name))
  const used = [...JSON.stringify(dashboard).matchAll(/\$\{?([a-z]\w*)/g)].map(([, name]) => name ?? '')
  for (const name of used) expect(variables).toContain(name)
})
