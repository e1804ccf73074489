import { copyFileSync, mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, type TestContext, test, vi } from 'vitest'
import { cleanEnv, run } from '../harness/child-process.ts'
import { objectOf, objectsIn, podOf, requireKustomize } from '../harness/kubernetes.ts'
import { succeeded } from '../harness/npm.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'

const KUBERNETES = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url))
const TIMEOUT_MS = 20_000

vi.setConfig({ testTimeout: 400_000 })

const folders = useTempFolders()

/** Runs an init container of members as root with its capabilities and no others, twice, on folders that stand for what it mounts. */
async function runInit(context: TestContext, name: string, places: Readonly<Record<string, string>>): Promise<number> {
  const setpriv = requireTool(context, 'setpriv')
  if (process.getuid?.() !== 0) context.skip('only root can give up what root may do')
  const render = await requireKustomize(context)
  const members = podOf(
    objectOf(objectsIn(await render(join(KUBERNETES, 'overlays/production'))), 'DaemonSet', 'warren-members'),
  )
  const init = members.spec.initContainers.find((one) => one.name === name)
  expect(init?.volumeMounts.map(({ mountPath }) => mountPath).sort()).toEqual(Object.keys(places).sort())
  const { drop = [], add = [] } = init?.securityContext.capabilities ?? {}
  expect(drop).toEqual(['ALL'])
  const bounds = ['-all', ...add.map((one) => `+${one.toLowerCase()}`)].join(',')
  const command = (init?.command ?? []).map((word) =>
    Object.entries(places).reduce((text, [place, folder]) => text.replaceAll(place, folder), word),
  )
  const group = String(members.spec.securityContext.runAsGroup)
  const options = ['--no-new-privs', `--bounding-set=${bounds}`, '--inh-caps=-all', `--regid=${group}`, '--clear-groups']
  for (let round = 0; round < 2; round++)
    succeeded(await run([setpriv, ...options, ...command], { cwd: '/', env: cleanEnv(), timeoutMs: TIMEOUT_MS }))
  return members.spec.securityContext.runAsUser
}

test('a folder of root becomes one for the node, with the one capability for it', async (context) => {
  const place = folders.create('disk')
  const user = await runInit(context, 'folder', { '/var/lib/warren': place })
  const { uid, mode } = statSync(join(place, 'data'))
  expect([uid, mode & 0o777]).toEqual([user, 0o700])
})

test('files for containerd are written by a root that has no capability', async (context) => {
  const [machine, script] = [folders.create('machine'), folders.create('script')]
  copyFileSync(join(KUBERNETES, 'components/containerd/hosts.sh'), join(script, 'hosts.sh'))
  mkdirSync(join(machine, 'certs.d'))
  const places = { '/etc/containerd/certs.d': join(machine, 'certs.d'), '/opt/containerd': script }
  await runInit(context, 'containerd', places)
  expect(statSync(join(machine, 'certs.d/docker.io/hosts.toml')).uid).toBe(0)
})
