import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, type TestContext, test, vi } from 'vitest'
import {
  type KubernetesObject,
  objectOf,
  objectsIn,
  overlayWith,
  requireHelm,
  requireKustomize,
  requireSchemas,
} from '../harness/kubernetes.ts'
import { useTempFolders } from '../harness/temp.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url))
const CHART = join(DEPLOY, 'helm/warren')
/** What the chart of the repository and Kustomize must agree on: an overlay, and the values that say the same. */
const PAIRS = [
  ['small', ['seeds.replicas=1', 'seeds.storage.size=20Gi']],
  ['production', ['seeds.replicas=3', 'seeds.storage.size=1Ti', 'containerd.enabled=true']],
] as const

vi.setConfig({ testTimeout: 400_000 })

const folders = useTempFolders()

async function rendered(context: TestContext, settings: readonly string[], release = 'warren'): Promise<string> {
  const helm = await requireHelm(context)
  const values = settings.flatMap((one) => ['--set', one])
  return helm('template', release, CHART, '--namespace', 'warren', '--kube-version', '1.30', ...values)
}

/** Without what only one of the two ways writes: labels of the release, annotations, a hash in a name; lists by name, in one order. */
function plain(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(/^(warren-containerd)-[a-z0-9]{10}$/, '$1')
  if (Array.isArray(value)) {
    const items = value.map(plain)
    // Variables may use those before them, so their order counts; it does for nothing else that has a name.
    const named = items.every(isNamed) && !items.some((item) => 'value' in item)
    return named ? items.sort((one, other) => one.name.localeCompare(other.name)) : items
  }
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).filter(([key]) => !OF_HELM.test(key) && key !== 'annotations')
  return Object.fromEntries(kept.map(([key, one]) => [key, plain(one)]))
}

function isNamed(value: unknown): value is { name: string } {
  return typeof value === 'object' && value !== null && 'name' in value
}

const OF_HELM = /^(helm\.sh\/chart|app\.kubernetes\.io\/(instance|version|managed-by))$/

/** All but what a cluster is told about nodes' settings, and the namespace, which Helm leaves to whoever installs. */
function comparable(objects: readonly KubernetesObject[]): Record<string, unknown> {
  const kept = objects.filter(({ kind, metadata }) => kind !== 'Namespace' && metadata.name !== 'warren-config')
  return Object.fromEntries(
    kept.map((one) => plain(one) as KubernetesObject).map((one) => [`${one.kind} ${one.metadata.name}`, one]),
  )
}

test.for(PAIRS)('the chart makes what the overlay %s makes', async ([overlay, settings], context) => {
  const kustomize = await requireKustomize(context)
  const byHelm = comparable(objectsIn(await rendered(context, settings)))
  const byKustomize = comparable(objectsIn(await kustomize(join(DEPLOY, 'kubernetes/overlays', overlay))))
  const seeds = byKustomize['StatefulSet warren-seeds'] as KubernetesObject
  // Kustomize says it in the overlay; for the chart it is a value that has no right default.
  if (overlay === 'production') delete seeds.spec.template.spec.topologySpreadConstraints
  expect(Object.keys(byHelm).sort()).toEqual(Object.keys(byKustomize).sort())
  expect(Object.keys(byHelm).length).toBeGreaterThan(5)
  for (const [name, object] of Object.entries(byKustomize)) expect([name, byHelm[name]]).toEqual([name, object])
})

test('the chart gives seeds the logins that the component gives them', async (context) => {
  const kustomize = await requireKustomize(context)
  const byKustomize = objectsIn(await kustomize(overlayWith(folders.create(), 'credentials')))
  const byHelm = objectsIn(await rendered(context, ['seeds.credentialsSecret=warren-credentials']))
  const image = { image: 'registry.example/warren:0.1.0' }
  const seeds = objectOf(byKustomize, 'StatefulSet', 'warren-seeds')
  Object.assign(seeds.spec.template.spec.containers[0], image)
  const env = (one: KubernetesObject) => {
    const { template } = one.spec
    return new Map(template.spec.containers[0].env.map((entry: { name: string }) => [entry.name, entry]))
  }
  const other = objectOf(byHelm, 'StatefulSet', 'warren-seeds')
  // Merged, the further variable stands first; it uses no other.
  expect(env(other)).toEqual(env(seeds))
  for (const one of [seeds, other]) delete one.spec.template.spec.containers[0].env
  expect(plain(other)).toEqual(plain(seeds))
})

test.for([
  ['metrics', 'NetworkPolicy warren-seeds-metrics'],
  ['ipv6', 'NetworkPolicy warren-seeds'],
] as const)('the chart gives nodes what the component %s gives them', async ([name, policy], context) => {
  const kustomize = await requireKustomize(context)
  const byKustomize = comparable(objectsIn(await kustomize(overlayWith(folders.create(), name))))
  const byHelm = comparable(objectsIn(await rendered(context, [`${name}.enabled=true`])))
  expect(byHelm[policy]).toEqual(byKustomize[policy])
  for (const workload of ['StatefulSet warren-seeds', 'DaemonSet warren-members']) {
    const [one, other] = [byHelm, byKustomize].map((all) => {
      const [{ env, ports }] = (all[workload] as KubernetesObject).spec.template.spec.containers
      // Merged, the further variables stand first; those before them are not used by others.
      return { env: new Map(env.map((entry: { name: string }) => [entry.name, entry])), ports }
    })
    expect(one).toEqual(other)
  }
})

test('what the chart makes is what the schemas of Kubernetes want', async (context) => {
  const text = await rendered(context, [
    'containerd.enabled=true',
    'seeds.credentialsSecret=warren-credentials',
    'metrics.enabled=true',
  ])
  const validate = await requireSchemas(context)
  const file = join(folders.create(), 'chart.yaml')
  writeFileSync(file, text)
  const lines = await validate(file, '1.37')
  expect(lines.filter((line) => !line.includes(' passed for '))).toEqual([])
  expect(lines).toHaveLength(objectsIn(text).length)
})

test('two releases of the chart do not select what is of the other', async (context) => {
  const objects = objectsIn(await rendered(context, [], 'other'))
  for (const { metadata } of objects) expect(metadata.name).toMatch(/^other(-|$)/)
  const { spec } = objectOf(objects, 'StatefulSet', 'other-seeds')
  expect(spec.selector.matchLabels['app.kubernetes.io/instance']).toBe('other')
  expect(JSON.stringify(objects)).not.toMatch(/warren-(seeds|members|config)\b/)
})

test('parts that are not wanted are left out, and settings are handed on', async (context) => {
  const settings = ['members.enabled=false', 'networkPolicy.enabled=false', 'config.mirrors.gcr=false', 'image.tag=9.9.9']
  const objects = objectsIn(await rendered(context, settings))
  expect(objects.map(({ kind }) => kind).sort()).toEqual(['ConfigMap', 'PodDisruptionBudget', 'Service', 'StatefulSet'])
  expect(objectOf(objects, 'ConfigMap', 'warren-config').data?.['config.yaml']).toBe('mirrors:\n  gcr: false\n')
  const { spec } = objectOf(objects, 'StatefulSet', 'warren-seeds')
  expect(spec.template.spec.containers[0].image).toBe('registry.example/warren:9.9.9')
})

test.for(['image.tag=20261129', 'members.ticketSecret=a: b', 'members.folder=/'])(
  'a value that would be written as another one is refused: %s',
  async (setting, context) => {
    await requireHelm(context)
    await expect(rendered(context, [setting])).rejects.toThrow(/schema/)
  },
)

test('the chart is of the version of the package, and writes the same for containerd', () => {
  const [chart] = objectsIn(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')) as unknown as {
    version: string
    appVersion: string
  }[]
  const { version } = JSON.parse(readFileSync(join(DEPLOY, '../package.json'), 'utf8')) as { version: string }
  expect([chart?.version, chart?.appVersion]).toEqual([version, version])
  expect(readFileSync(join(CHART, 'files/hosts.sh'), 'utf8')).toBe(
    readFileSync(join(DEPLOY, 'kubernetes/components/containerd/hosts.sh'), 'utf8'),
  )
})
