import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { findProgram } from '../../admin/cli/programs.ts'
import { ENTRY } from '../admin/cli/run-warren.ts'
import { cleanEnv, run } from '../harness/child-process.ts'
import { type NodeProcess, startNodeProcess } from '../harness/node.ts'
import { succeeded } from '../harness/npm.ts'
import { freePort } from '../harness/server-process.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'

const GUIDE = readFileSync(new URL('../../deploy/README.md', import.meta.url), 'utf8')
const examples = [...GUIDE.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) => text)
const TIMEOUT_MS = 50_000

const folders = useTempFolders()

/** The one example that has these words in it. */
function exampleWith(words: string): string {
  const [text, another] = examples.filter((one) => one.includes(words))
  if (text === undefined || another !== undefined) throw new Error(`not one example has «${words}»`)
  return text
}

/** A folder in PATH with this checkout's command, and programs that write down what they are called with. */
function programs(...noting: string[]): { path: string; noted: string } {
  const folder = folders.create('bin')
  const noted = join(folder, 'noted')
  writeFileSync(noted, '')
  writeFileSync(join(folder, 'warren'), `#!/bin/sh\nexec ${process.execPath} ${ENTRY} "$@"\n`, { mode: 0o755 })
  for (const name of noting) writeFileSync(join(folder, name), `#!/bin/sh\necho ${name} "$@" >>${noted}\n`, { mode: 0o755 })
  return { path: `${folder}:${process.env.PATH}`, noted }
}

async function startByTicket(ticket: string, port: number): Promise<NodeProcess> {
  const env = {
    WARREN_TICKET_FILE: ticket,
    WARREN_MESH_LISTEN: `127.0.0.1:${port}`,
    WARREN_MESH_BLOBS: '127.0.0.1:0',
    WARREN_MESH_ANNOUNCE: '127.0.0.1',
    WARREN_MESH_MDNS: 'false',
  }
  const node = await startNodeProcess({ data: folders.create('data'), env })
  onTestFinished(() => node.kill())
  return node
}

test('the tickets that the guide has one make let seeds and members find each other, without the folder that made them', async () => {
  const work = folders.create('work')
  const { path, noted } = programs('kubectl')
  const port = await freePort()
  const text = exampleWith('--data warren-admin').replace('warren-seeds.warren.svc.cluster.local:7471', `127.0.0.1:${port}`)
  const env = cleanEnv({ HOME: folders.create('home'), PATH: path })
  succeeded(await run(['sh', '-ec', text], { cwd: work, env, timeoutMs: TIMEOUT_MS }))
  for (const name of ['seed.ticket', 'member.ticket', 'warren-admin/mesh/admin.key'])
    expect([name, statSync(join(work, name)).mode & 0o077]).toEqual([name, 0])
  expect(readFileSync(noted, 'utf8').match(/--from-file=ticket=\S+/g)).toEqual([
    '--from-file=ticket=seed.ticket',
    '--from-file=ticket=member.ticket',
  ])
  const nodes = [
    await startByTicket(join(work, 'seed.ticket'), port),
    await startByTicket(join(work, 'seed.ticket'), await freePort()),
    await startByTicket(join(work, 'member.ticket'), await freePort()),
  ]
  const roles = await eventually('all of them are connected', async () => {
    const all = await Promise.all(nodes.map(async (node) => (await node.status()).mesh))
    return all.every(({ peers }) => peers === 2) && all.map(({ role }) => role)
  })
  expect(roles).toEqual(['seed', 'seed', 'member'])
})

test('what the guide builds and starts is there', () => {
  const text = examples.join('')
  const named = [...text.matchAll(/(?:^| )((?:deploy|\.\/deploy)\/[\w./-]+)/g)].map(([, path = '']) => path)
  expect(named.length).toBeGreaterThan(5)
  for (const path of named) expect([path, statSync(new URL(`../../${path}`, import.meta.url)).size > 0]).toEqual([path, true])
})

test('kubectl takes the commands that make the secrets', async (context) => {
  const kubectl = findProgram('kubectl') ?? context.skip('kubectl is not installed')
  const work = folders.create('work')
  for (const name of ['seed.ticket', 'member.ticket']) writeFileSync(join(work, name), 'warren1…')
  const lines = exampleWith('create secret')
    .split('\n')
    .filter((line) => line.includes('create secret'))
  for (const line of lines) {
    const [, ...args] = line.split(' ')
    const dry = [kubectl, ...args, '--dry-run=client', '-o', 'json'] as const
    const done = succeeded(await run(dry, { cwd: work, env: cleanEnv({ HOME: work }), timeoutMs: TIMEOUT_MS }))
    const { metadata, data } = JSON.parse(done.stdout)
    expect([metadata.namespace, Object.keys(data)]).toEqual(['warren', ['ticket']])
  }
})
