import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ENTRY } from '../../admin/cli/run-warren.ts'
import { atHome, cleanEnv, run } from '../../harness/child-process.ts'
import { succeeded } from '../../harness/npm.ts'
import { MeshOfProcesses } from '../../harness/process-mesh.ts'
import { ReplayUpstream } from '../../harness/replay.ts'
import { started } from '../../harness/scripted-files.ts'
import { SyntheticRegistry } from '../../harness/synthetic.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'
import { checkout, RECIPES } from './runners.ts'

const TIMEOUT_MS = 120_000

const temp = useTempFolders()

/** Steps of jobs, with what the script starts in a folder of its own; each is a shell of its own, as in most systems. */
function jobWith(env: Record<string, string>) {
  const [work, bin] = [checkout(temp.create('checkout')), temp.create('bin')]
  program(bin, 'warren', `exec "${process.execPath}" "${ENTRY}" "$@"`)
  const data = join(work, 'warren')
  const fixed = {
    ...atHome(work),
    WARREN_DATA: data,
    WARREN_MESH_LISTEN: '127.0.0.1:0',
    WARREN_MESH_BLOBS: '127.0.0.1:0',
    WARREN_MESH_MDNS: 'false',
  }
  const step = async (line: string, more: Record<string, string> = {}) => {
    const all = cleanEnv({ ...fixed, ...env, PATH: `${bin}:${process.env.PATH}`, ...more })
    return succeeded(await run(['sh', '-e', '-c', line], { cwd: work, env: all, timeoutMs: TIMEOUT_MS })).stdout
  }
  return { work, bin, data, step }
}

test('a member for one job takes from its mesh, and leaves its cache and no memory of it', {
  timeout: TIMEOUT_MS,
}, async () => {
  const registry = new SyntheticRegistry({ packages: 2, odd: false })
  const replay = await started(new ReplayUpstream(registry.recording))
  const mirrors = { npm: { upstreams: [replay.url] } }
  await using mesh = new MeshOfProcesses(temp, { config: { mirrors } })
  const seed = await mesh.join({ role: 'seed' })
  const [one] = registry.installable
  const path = `/npm/${one?.name}/-/${one?.name}-${one?.version}.tgz`
  expect((await fetch(seed.url + path)).status).toBe(200)
  await replay.gone()

  const { work, bin, data, step } = jobWith({ WARREN_MIRRORS: JSON.stringify(mirrors) })
  const look = `fetch(process.env.npm_config_registry.slice(0, -5) + "${path}").then(async (r) => { await r.bytes(); console.log(r.headers.get("x-warren-source")) })`
  program(bin, 'npm', `exec "${process.execPath}" -e '${look}'`)
  const ends = async () => {
    expect(readdirSync(data)).toEqual(['store'])
    await eventually('the seed has forgotten it', async () => (await seed.peers()).length === 0)
  }

  await step('sh ci/warren-ci.sh start', { WARREN_TICKET: await mesh.ticket() })
  expect((await step('eval "$(sh ci/warren-ci.sh env)"; npm ci')).trim()).toBe('seed')
  expect(await seed.peers()).toEqual([expect.objectContaining({ role: 'member', connected: true })])
  expect(existsSync(join(data, 'ci.ticket'))).toBe(false)
  await expect(step('sh ci/warren-ci.sh start')).rejects.toThrow(`a node runs on ${data} already`)
  await step('sh ci/warren-ci.sh stop')
  await ends()

  // The next job, as the guide has it.
  writeFileSync(join(work, 'ticket'), await mesh.ticket())
  const example = exampleWith('warren-ci.sh start').replace('$HOME/.cache/warren-job', data).replaceAll('deploy/ci/', 'ci/')
  expect((await step(example)).trim()).toBe('local')
  await ends()

  // One that is killed, and then one that gets no ticket, as of a fork.
  await step('sh ci/warren-ci.sh start; kill -9 $(cat "$WARREN_DATA/ci.pid")', { WARREN_TICKET: await mesh.ticket() })
  expect(existsSync(join(data, 'mesh/membership.json'))).toBe(true)
  writeFileSync(join(data, 'ci.ticket'), 'left behind')
  await step('sh ci/warren-ci.sh start')
  expect([existsSync(join(data, 'mesh')), existsSync(join(data, 'ci.ticket'))]).toEqual([false, false])
  await step('sh ci/warren-ci.sh stop')
  await ends()
})

function exampleWith(words: string): string {
  const guide = readFileSync(join(RECIPES, '../README.md'), 'utf8')
  const [text, another] = [...guide.matchAll(/^```sh\n(.*?)^```$/gms)]
    .map(([, one = '']) => one)
    .filter((one) => one.includes(words))
  if (text === undefined || another !== undefined) throw new Error(`not one example has «${words}»`)
  return text
}

function program(bin: string, name: string, line: string): void {
  writeFileSync(join(bin, name), `#!/bin/sh\n${line}\n`, { mode: 0o755 })
}
