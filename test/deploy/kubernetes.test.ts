import { readFileSync, writeFileSync } from 'node:fs'
import { BlockList, isIP } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, type TestContext, test, vi } from 'vitest'
import { ecosystems } from '../../node/built-ins.ts'
import { type LoadedConfig, loadConfig } from '../../node/config/load.ts'
import { isLoopback } from '../../node/tcp-address.ts'
import { copiesOf, environmentOf, stagesOfImage } from '../harness/containerfile.ts'
import {
  type Container,
  type KubernetesObject,
  objectOf,
  objectsIn,
  overlayWith,
  type Pod,
  podOf,
  requireKustomize,
  requireSchemas,
} from '../harness/kubernetes.ts'
import { useTempFolders } from '../harness/temp.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url))
const GUIDE = readFileSync(join(DEPLOY, 'README.md'), 'utf8')
const KINDS = ['overlays/small', 'overlays/production'] as const
/** Versions of Kubernetes: the oldest for which there are schemas, and the newest. */
const VERSIONS = ['1.28', '1.37']
/** What the system fills in where a pod runs. */
const FIELDS: Readonly<Record<string, string>> = {
  'metadata.name': 'warren-seeds-0',
  'metadata.namespace': 'warren',
  'status.hostIP': '192.0.2.7',
  'status.podIP': '10.1.2.3',
}
/** Seconds that a node takes for its end at most (`warren up`). */
const STOP_LIMIT = 30

/** Where clouds tell machines who they are, and give them keys. */
const METADATA = ['169.254.169.254', '100.100.100.200', 'fe80::a9fe:a9fe', 'fd00:ec2::254', 'fd20:ce::254']

function holds(block: string, address: string): boolean {
  const [network = '', bits = ''] = block.split('/')
  const [family, other] = [network, address].map((text) => (isIP(text) === 6 ? 'ipv6' : 'ipv4'))
  const list = new BlockList()
  list.addSubnet(network, Number(bits), family)
  return family === other && list.check(address, other)
}

vi.setConfig({ testTimeout: 400_000 })

const folders = useTempFolders()
const rendered = new Map<string, Promise<string>>()

async function textOf(context: TestContext, kind: string): Promise<string> {
  const render = await requireKustomize(context)
  const text = rendered.get(kind) ?? render(join(DEPLOY, 'kubernetes', kind))
  rendered.set(kind, text)
  return text
}

async function objects(context: TestContext, kind: string): Promise<KubernetesObject[]> {
  return objectsIn(await textOf(context, kind))
}

function workloads(all: readonly KubernetesObject[]): { seeds: Pod; members: Pod } {
  return {
    seeds: podOf(objectOf(all, 'StatefulSet', 'warren-seeds')),
    members: podOf(objectOf(all, 'DaemonSet', 'warren-members')),
  }
}

function nodeIn(pod: Pod): Container {
  const [container, another] = pod.spec.containers
  if (!container || another) throw new Error('there is not one container in the pod')
  return container
}

test.for(KINDS)('%s is what the schemas of Kubernetes want', async (kind, context) => {
  const all = await objects(context, kind)
  const validate = await requireSchemas(context)
  const file = join(folders.create(), 'manifests.yaml')
  writeFileSync(file, await textOf(context, kind))
  for (const version of VERSIONS) {
    const lines = await validate(file, version)
    expect(lines.filter((line) => !line.includes(' passed for '))).toEqual([])
    expect(lines).toHaveLength(all.length)
  }
})

test('a field that there is none of would be found', async (context) => {
  const text = await textOf(context, 'overlays/small')
  const validate = await requireSchemas(context)
  const file = join(folders.create(), 'manifests.yaml')
  writeFileSync(file, text.replace('fsGroupChangePolicy:', 'fsGroupChangesPolicy:'))
  expect((await validate(file, '1.37')).join('\n')).toContain("'fsGroupChangesPolicy' was unexpected")
})

test.for(KINDS)('what is selected in %s is there, and so are the ports', async (kind, context) => {
  const all = await objects(context, kind)
  const pods = Object.values(workloads(all))
  const selected = (labels: Readonly<Record<string, string>>) =>
    pods.filter((pod) => Object.entries(labels).every(([name, value]) => pod.metadata.labels[name] === value))
  for (const one of all) {
    expect(one.kind === 'Namespace' || one.metadata.namespace).not.toBe(undefined)
    if (one.kind !== 'Service' && one.kind !== 'NetworkPolicy' && one.spec?.selector?.matchLabels === undefined) continue
    const labels = one.kind === 'Service' ? one.spec.selector : (one.spec.podSelector ?? one.spec.selector).matchLabels
    const [pod, another] = selected(labels)
    expect([one.kind, one.metadata.name, pod !== undefined, another]).toEqual([one.kind, one.metadata.name, true, undefined])
    const ports = pod?.spec.containers.flatMap((container) => container.ports) ?? []
    const wanted = one.kind === 'Service' ? one.spec.ports.map(({ targetPort }: { targetPort: string }) => targetPort) : []
    const opened = one.spec.ingress?.flatMap(({ ports }: { ports: { port: string }[] }) => ports.map(({ port }) => port)) ?? []
    expect(ports.map(({ name }) => name)).toEqual(expect.arrayContaining([...wanted, ...opened]))
    for (const { port, targetPort } of one.kind === 'Service' ? one.spec.ports : [])
      expect(ports.find(({ name }) => name === targetPort)?.containerPort).toBe(port)
  }
  expect(objectOf(all, 'StatefulSet', 'warren-seeds').spec.serviceName).toBe('warren-seeds')
  expect(objectOf(all, 'Service', 'warren').spec.internalTrafficPolicy).toBe('Local')
})

test.for(KINDS)('seeds of %s reach nothing that tells a machine of a cloud its secrets', async (kind, context) => {
  const { spec } = objectOf(await objects(context, kind), 'NetworkPolicy', 'warren-seeds')
  const blocks = spec.egress.flatMap(({ to = [] }: { to?: { ipBlock: { cidr: string; except: string[] } }[] }) => to)
  const open = METADATA.filter((address) =>
    blocks.some(({ ipBlock: { cidr, except } }: { ipBlock: { cidr: string; except: string[] } }) => {
      const [isIn, ...isOut] = [cidr, ...except].map((block) => holds(block, address))
      return isIn && !isOut.includes(true)
    }),
  )
  expect([blocks.length, open]).toEqual([2, []])
})

test.for(KINDS)(
  'what pods of %s mount is there: volumes, config maps, and secrets that the guide has one make',
  async (kind, context) => {
    const all = await objects(context, kind)
    const claims = objectOf(all, 'StatefulSet', 'warren-seeds').spec.volumeClaimTemplates
    for (const [name, { spec }] of Object.entries(workloads(all))) {
      const own = spec.volumes.map((volume) => volume.name)
      const volumes = name === 'seeds' ? [...own, ...claims.map((claim: KubernetesObject) => claim.metadata.name)] : own
      const mounted = [...spec.containers, ...spec.initContainers].flatMap(({ volumeMounts }) => volumeMounts)
      expect(new Set(mounted.map((mount) => mount.name))).toEqual(new Set(volumes))
      for (const { configMap, secret } of spec.volumes) {
        if (configMap) expect(Object.keys(objectOf(all, 'ConfigMap', configMap.name).data ?? {})).toHaveLength(1)
        if (secret) expect(GUIDE).toMatch(new RegExp(`create secret generic ${secret.secretName} --from-file=ticket=`))
        if (secret) expect(secret.defaultMode).toBe(0o440)
      }
    }
  },
)

/** The settings that a node in a pod runs with, where the system fills in these fields. */
function settingsOf(all: readonly KubernetesObject[], container: Container, fields = FIELDS): LoadedConfig {
  const env: Record<string, string> = { ...environmentOf(stagesOfImage().final), KUBERNETES_SERVICE_HOST: '10.96.0.1' }
  for (const { name, value, valueFrom } of container.env) {
    // As Kubernetes does: only what stands above is known.
    env[name] =
      value?.replace(/\$\((\w+)\)/g, (_, other: string) => env[other] ?? `$(${other})`) ??
      fields[valueFrom?.fieldRef.fieldPath ?? ''] ??
      ''
  }
  const configFile = join(folders.create('config'), 'config.yaml')
  writeFileSync(configFile, objectOf(all, 'ConfigMap', 'warren-config').data?.['config.yaml'] ?? '')
  // The ticket is there when the pod runs; here only its place is looked at.
  const { WARREN_TICKET_FILE: ticket, ...settings } = env
  expect(container.volumeMounts.find(({ name }) => name === 'ticket')).toMatchObject({ readOnly: true })
  expect(ticket).toBe(`${container.volumeMounts.find(({ name }) => name === 'ticket')?.mountPath}/ticket`)
  return loadConfig({ configFile, env: settings, home: undefined, flags: new Map(), ecosystems })
}

test.for(KINDS)('nodes of %s have settings that they start with, and the ports that are told', async (kind, context) => {
  const all = await objects(context, kind)
  const { seeds, members } = workloads(all)
  for (const pod of [seeds, members]) {
    const container = nodeIn(pod)
    const { config } = settingsOf(all, container)
    expect('host' in config.admin.listen && isLoopback(config.admin.listen)).toBe(true)
    const ports = Object.fromEntries(container.ports.map(({ name, containerPort }) => [name, containerPort]))
    expect(ports).toMatchObject({ mesh: config.mesh.listen.port, blobs: config.mesh.blobs.port })
    expect(ports.mirrors).toBe(pod === members ? config.listen[0]?.port : undefined)
    // The key of the node is in there.
    expect(config.data.startsWith(`${container.volumeMounts.find(({ name }) => name === 'data')?.mountPath}/`)).toBe(true)
    expect(container.volumeMounts.map(({ mountPath }) => mountPath)).toContain('/etc/warren')
  }
  const { config: seed } = settingsOf(all, nodeIn(seeds))
  expect(seed.listen.every(isLoopback)).toBe(true)
  expect(seed.mesh.announce).toEqual(['warren-seeds-0.warren-seeds.warren.svc.cluster.local'])
  const { config: member } = settingsOf(all, nodeIn(members))
  expect(member.listen.map(({ host }) => host)).toEqual(['127.0.0.1', '192.0.2.7'])
  expect(member.hosts).toContain('warren.warren.svc')
  expect(member.mesh.announce).toEqual(['192.0.2.7'])
})

test('where machines and pods have IPv6 addresses only, nodes have settings that they start with', async (context) => {
  const render = await requireKustomize(context)
  const all = objectsIn(await render(overlayWith(folders.create('overlay'), 'ipv6')))
  const fields = { ...FIELDS, 'status.hostIP': 'fd00::7', 'status.podIP': 'fd00:1::3' }
  const { seeds, members } = workloads(all)
  const { config } = settingsOf(all, nodeIn(members), fields)
  expect(config.listen).toEqual(['127.0.0.1', 'fd00::7'].map((host) => ({ host, port: 7470 })))
  expect(config.mesh.announce).toEqual(['fd00::7'])
  for (const pod of [seeds, members]) {
    const { mesh } = settingsOf(all, nodeIn(pod), fields).config
    expect([mesh.listen, mesh.blobs]).toEqual([7471, 7472].map((port) => ({ host: '::', port })))
  }
})

test('Prometheus gets a port for metrics, of all nodes, and at seeds nobody else gets there', async (context) => {
  const render = await requireKustomize(context)
  const all = objectsIn(await render(overlayWith(folders.create('overlay'), 'metrics')))
  for (const pod of Object.values(workloads(all))) {
    const container = nodeIn(pod)
    for (const [ip, host] of [
      ['10.1.2.3', '10.1.2.3'],
      ['fd00::3', 'fd00::3'],
    ] as const) {
      const { config } = settingsOf(all, container, { ...FIELDS, 'status.podIP': ip })
      expect(config.admin.metrics).toEqual({
        host,
        port: container.ports.find(({ name }) => name === 'metrics')?.containerPort,
      })
      expect('host' in config.admin.listen && isLoopback(config.admin.listen)).toBe(true)
    }
  }
  const { spec } = objectOf(all, 'NetworkPolicy', 'warren-seeds-metrics')
  expect(spec.podSelector.matchLabels).toEqual(workloads(all).seeds.metadata.labels)
  expect(spec.ingress).toEqual([
    {
      from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      ports: [{ port: 'metrics' }],
    },
  ])
  const { seeds } = workloads(await objects(context, 'overlays/small'))
  expect(nodeIn(seeds).ports.map(({ name }) => name)).toEqual(['mesh', 'blobs'])
})

test.for(KINDS)('probes of %s run what is in the image, by exec', async (kind, context) => {
  const inImage = copiesOf(stagesOfImage().final).map(({ to }) => to)
  for (const pod of Object.values(workloads(await objects(context, kind)))) {
    const { startupProbe, livenessProbe, readinessProbe } = nodeIn(pod)
    for (const probe of [startupProbe, livenessProbe]) expect(probe?.exec.command.slice(2)).toEqual(['healthz'])
    expect(readinessProbe?.exec.command.slice(2)).toEqual([])
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) {
      expect(probe?.exec.command[0]).toBe('node')
      expect(inImage).toContain(probe?.exec.command[1])
    }
  }
})

test.for(KINDS)('containers of %s may do nothing that they need not, and end in peace', async (kind, context) => {
  for (const { spec } of Object.values(workloads(await objects(context, kind)))) {
    expect(spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
    expect(spec.terminationGracePeriodSeconds).toBeGreaterThan(STOP_LIMIT)
    expect(spec.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
    for (const { securityContext } of [...spec.containers, ...spec.initContainers])
      expect(securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      })
    for (const { securityContext } of spec.containers)
      expect([securityContext.runAsUser, securityContext.capabilities.add]).toEqual([undefined, []])
    expect(spec.initContainers.flatMap(({ securityContext }) => securityContext.capabilities.add)).toEqual(
      spec.hostNetwork ? ['CHOWN'] : [],
    )
  }
})

test.for(KINDS)('seeds of %s are spread, and are not all taken away at once', async (kind, context) => {
  const all = await objects(context, kind)
  const { seeds } = workloads(all)
  const [{ topologyKey, labelSelector }] =
    // biome-ignore lint/suspicious/noExplicitAny: as the schemas of Kubernetes have it
    (seeds.spec as any).affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution
  expect([topologyKey, labelSelector.matchLabels]).toEqual(['kubernetes.io/hostname', seeds.metadata.labels])
  expect(objectOf(all, 'PodDisruptionBudget', 'warren-seeds').spec.maxUnavailable).toBe(1)
  expect(objectOf(all, 'StatefulSet', 'warren-seeds').spec.replicas).toBe(kind === 'overlays/small' ? 1 : 3)
})

test('containerd is pointed at members only where that is asked for', async (context) => {
  const names = async (kind: string) =>
    workloads(await objects(context, kind)).members.spec.initContainers.map(({ name }) => name)
  expect(await names('overlays/small')).toEqual(['folder'])
  expect((await names('overlays/production')).sort()).toEqual(['containerd', 'folder'])
  const { members } = workloads(await objects(context, 'overlays/production'))
  const init = members.spec.initContainers.find(({ name }) => name === 'containerd')
  const [, script = '', folder = ''] = init?.command ?? []
  const mounts = init?.volumeMounts.map(({ mountPath }) => mountPath) ?? []
  expect(mounts.sort()).toEqual([folder, script.replace(/\/hosts\.sh$/, '')].sort())
})

test('seeds get the logins that the guide has one put into a secret', async (context) => {
  const render = await requireKustomize(context)
  const { seeds } = workloads(objectsIn(await render(overlayWith(folders.create('overlay'), 'credentials'))))
  const [, secret, key, file] = /generic (warren-credentials) --from-file=(\w+)=(\S+?)`/.exec(GUIDE) ?? []
  const [volume] = seeds.spec.volumes.filter((one) => one.secret?.secretName === secret)
  const container = nodeIn(seeds)
  const place = container.volumeMounts.find(({ name }) => name === volume?.name)?.mountPath
  expect(container.env.find(({ name }) => name === 'WARREN_CREDENTIALS_FILE')?.value).toBe(`${place}/${key}`)
  const [, example = ''] = /with a file like\s+`(\{.*\})`/.exec(GUIDE) ?? []
  const path = join(folders.create('secret'), file ?? '')
  writeFileSync(path, example)
  const env = { WARREN_CREDENTIALS_FILE: path, WARREN_DATA: '/var/lib/warren/data' }
  const { config } = loadConfig({ env, home: undefined, flags: new Map(), ecosystems })
  expect(Object.values(config.credentials ?? {})).toMatchObject([{ username: 'ann', share: true }])
})
