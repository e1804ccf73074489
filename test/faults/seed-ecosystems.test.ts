import { describe, expect, it } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { mirrorOf, type World } from '../conformance/named-plans.ts'
import { WORLDS } from '../conformance/planned-worlds.ts'
import { cutOff } from '../harness/cut-off.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { type MeshNode, TestMesh } from '../harness/test-mesh.ts'

useLeakCheck()
const temp = useTempFolders()

interface Reply {
  readonly status: number
  readonly type: string | undefined
  /** With the node's own URL taken out. */
  readonly body: string
}

function mirrorFor(world: World): MirrorConfig {
  const mirror = mirrorOf(world, 'alone')
  const { name, registries } = world.protocol
  return { ...mirror, path: registries?.path ?? mirror.path, protocol: name, local: false }
}

/** What a client of the ecosystem gets for all that it asks, by what it asks. */
async function answers(node: MeshNode, world: World): Promise<Map<string, Reply>> {
  const { path: mount } = mirrorFor(world)
  const parts = world.reached.filter((path) => path.startsWith('v2/')).map((path) => path.slice('v2/'.length).trim())
  const all = new Map<string, Reply>()
  for (const ask of [...world.asks, ...parts]) {
    const { path, query = '', headers = {} } = typeof ask === 'string' ? { path: ask } : ask
    const sent = Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (value ? [[name, String(value)]] : [])))
    const { status, headers: told, body } = await exchange(node.url + mount + path + query, { headers: sent })
    const shown = body.toString('latin1').replaceAll(node.url, 'http://node')
    // Of files that the mesh knows by their digest, upstream's type is told only by whoever asked upstream.
    const type = world.protocol.name === 'raw' ? undefined : told['content-type']
    all.set(`${path}${query} ${JSON.stringify(headers)}`, { status, type, body: shown })
  }
  return all
}

describe.each(WORLDS.filter(([name]) => name !== 'images'))('a seed that has something of %s', (_, start) => {
  it('gives all of it to a member that reaches no upstream, while upstream is gone', async () => {
    const world = await start()
    let isUp = true
    const stop = async () => {
      if (isUp) await world.stop()
      isUp = false
    }
    try {
      const init = { upstream: world.base, mirrors: [mirrorFor(world)] }
      const mesh = await TestMesh.create(temp, init)
      const member = await mesh.join({ ...init, overrides: cutOff() })
      const right = await answers(mesh.seed, world)
      const there = [...right].filter(([, { status }]) => status === 200)
      expect(there.length).toBeGreaterThan(1)
      await storeAtRest(mesh.seed)
      await stop()
      const got = await answers(member, world)
      for (const [ask, reply] of there) expect([ask, got.get(ask)]).toEqual([ask, reply])
      expect((await member.status()).requests.upstream).toBe(0)
    } finally {
      await stop()
    }
  })
})
