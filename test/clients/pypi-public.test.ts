import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { runWarren } from '../admin/cli/run-warren.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { type NodeProcess, startNodeProcess } from '../harness/node.ts'
import { succeeded } from '../harness/npm.ts'
import { configuredIndex, pipInstall, requirePip } from '../harness/pip.ts'
import { useTempFolders } from '../harness/temp.ts'
import { differences } from '../harness/trees.ts'
import { requireUv, uvInstall } from '../harness/uv.ts'
import { eventually } from '../harness/wait.ts'

const REAL = 600_000
/** Small, pure, and with dependencies; pinned, so that pages may grow as they like. */
const WANTED = ['jinja2==3.1.4', 'markupsafe==2.1.5', 'requests==2.32.3', 'idna==3.7', 'urllib3==2.2.2', 'certifi==2024.7.4']
/** A proxy that nothing listens on: whatever a node still wanted from outside, it cannot have. */
const NO_WAY_OUT = { HTTPS_PROXY: 'http://127.0.0.1:9', HTTP_PROXY: 'http://127.0.0.1:9' }

useLeakCheck()

describe('the index that this machine’s pip is configured for', () => {
  const temp = useTempFolders()

  it('is installed from through a node, again with the way out cut, and on a second node with the files of the first', {
    timeout: REAL,
  }, async (context) => {
    const python = await requirePip(context)
    const upstream = await configuredIndex(python)
    if (upstream === undefined) return context.skip('the index that pip is configured for cannot be reached')
    const mirrors = { pypi: { protocol: 'pypi', path: '/pypi/', upstreams: [upstream] } }
    const mesh = { listen: '127.0.0.1:0', blobs: '127.0.0.1:0', mdns: false }
    const config = { mirrors, mesh }
    const nodes: NodeProcess[] = []
    const start = async (name: string, env: Record<string, string> = {}, data = temp.create(name)) => {
      const node = await startNodeProcess({ data, config, env })
      nodes.push(node)
      return node
    }
    const install = async (node: NodeProcess, name: string) =>
      succeeded(await pipInstall(python, { index: `${node.url}/pypi/simple/`, work: temp.create(name), wanted: WANTED })).site
    const warren = async (node: NodeProcess, ...args: string[]) =>
      succeeded(await runWarren([...args, '--data', node.data], { home: node.data })).stdout.trim()
    try {
      let first = await start('first')
      const fetched = await install(first, 'fetched')
      await first.stop()

      first = await start('first', NO_WAY_OUT, first.data)
      expect(differences(fetched, await install(first, 'offline'))).toEqual([])
      const uv = await requireUv(context, python)
      const work = temp.create('uv')
      succeeded(await uvInstall(uv, python, { index: `${first.url}/pypi/simple/`, work, wanted: WANTED }))
      const { requests } = await first.status()
      expect([requests.upstream, requests.flight]).toEqual([0, 0])

      await warren(first, 'mesh', 'create', '--address', '127.0.0.1:1')
      const listening = await eventually('the first node is in its mesh', async () => (await first.status()).mesh.listen[0])
      const ticket = await warren(first, 'mesh', 'ticket', '--address', `127.0.0.1:${listening.split('/')[4]}`)
      const second = await start('second', { WARREN_TICKET: ticket })
      await eventually('it is connected', async () => (await second.status()).mesh.peers === 1)
      expect(differences(fetched, await install(second, 'from the first'))).toEqual([])
      const there = await second.status()
      expect(there.requests.seed).toBeGreaterThanOrEqual(WANTED.length)
      expect(there.requests.upstream).toBe(0)
    } finally {
      await Promise.all(nodes.map((node) => node.stop()))
    }
  })

  it('has its files verified: what comes has the digest in its path', { timeout: REAL }, async (context) => {
    const python = await requirePip(context)
    const upstream = await configuredIndex(python)
    if (upstream === undefined) return context.skip('the index that pip is configured for cannot be reached')
    const mirrors = { pypi: { protocol: 'pypi', path: '/pypi/', upstreams: [upstream] } }
    const node = await startNodeProcess({ data: temp.create('node'), config: { mirrors } })
    try {
      const accept = 'application/vnd.pypi.simple.v1+json'
      const page = (await (await fetch(`${node.url}/pypi/simple/six/`, { headers: { accept } })).json()) as {
        files: { filename: string; url: string; hashes: { sha256: string } }[]
      }
      const file = page.files.find(({ filename }) => filename === 'six-1.16.0-py2.py3-none-any.whl')
      expect(file?.url).toBe(`${node.url}/pypi/files/six/${file?.hashes.sha256}/six-1.16.0-py2.py3-none-any.whl`)
      const reply = await fetch(String(file?.url))
      const bytes = Buffer.from(await reply.arrayBuffer())
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(file?.hashes.sha256)
    } finally {
      await node.stop()
    }
  })
})
