import { describe, expect, it } from 'vitest'
import type { Config } from '../../node/config/schema.ts'
import { Cargo } from '../harness/cargo.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { succeeded } from '../harness/npm.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'
import { eventually } from '../harness/wait.ts'
import { pathOf, startCargoNode, startRegistry } from './cargo-node.ts'

const DAY = 86_400_000
const INDEX = 'my/-c/my-crate'

useLeakCheck()
const temp = useTempFolders()

/** A node whose policy is about a crate of two versions: one that was published long ago, and one of today. */
async function nodeWith(settings: Partial<Config['policy']>) {
  const clock = new ShiftedClock()
  const registry = await startRegistry(clock)
  // Cargo takes no fractions of seconds.
  const timeOf = (daysAgo: number) => new Date(clock.now() - daysAgo * DAY).toISOString().replace(/\.\d+/, '')
  const published = (daysAgo: number) => ({ more: { pubtime: timeOf(daysAgo) } })
  const old = registry.publish('my-crate', '1.0.0', published(300))
  const newer = registry.publish('my-crate', '1.1.0', published(0))
  const policy = { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [], ...settings }
  const node = await startCargoNode({ data: temp.create('node'), registry, clock, config: { policy } })
  const index = async () => (await node.ask(INDEX)).body.toString()
  return { clock, registry, old, newer, index, ...node }
}

describe('a version that a policy denies', () => {
  it('is not in the index, which is upstream’s otherwise, and refused in words when it is asked for', async () => {
    const { registry, old, newer, index, ask } = await nodeWith({ deny: ['pkg:cargo/My_Crate@>=1.1'] })
    expect(await index()).toBe(`${old.line}\n`)
    expect((await ask(pathOf(old))).status).toBe(200)
    registry.files.tally.reset()
    for (const path of [pathOf(newer), 'crates/my-crate/1.1.0/download', pathOf(newer).replace('my-crate', 'MY_crate')]) {
      const reply = await ask(path)
      expect([reply.status, reply.headers['x-warren-error']]).toEqual([403, 'POLICY_DENIED'])
      expect(reply.body.toString()).toMatch(/^[^\n]*pkg:cargo\/My_Crate@>=1\.1[^\n]*\n$/)
    }
    expect(registry.files.tally.total.requests).toBe(0)
  })

  it('is not had under the name or version of another one, be it from upstream or from what is held', async () => {
    const registry = await startRegistry()
    const evil = registry.publish('evil', '1.0.0')
    const good = registry.publish('my-crate', '1.0.0')
    registry.publish('other', '1.0.0')
    registry.dl = `${registry.files.origin}/crates/{sha256-checksum}`
    const { log } = registry.files.tally
    const node = await startCargoNode({ data: temp.create('names'), registry })
    const deny = () => node.node.applyPolicy({ allow: [], deny: ['pkg:cargo/evil'], minimumAge: {}, minimumAgeExceptions: [] })
    // Others each time: a «no» is remembered.
    const codes = async (...names: string[]) => {
      const replies = await Promise.all(names.map((name) => node.ask(`crates/${name}/${evil.sha256}.crate`)))
      return replies.map(({ headers }) => headers['x-warren-error'])
    }
    const absent = Array.from({ length: 3 }, () => 'UPSTREAM_ABSENT')
    deny()
    expect(await codes('my-crate/1.0.0', 'my-crate/1.0.1', 'nobody/1.0.0')).toEqual(absent)
    expect(log).toEqual([])
    node.node.applyPolicy({ allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [] })
    expect((await node.ask(pathOf(evil))).body.equals(evil.archive)).toBe(true)
    await storeAtRest(node)
    deny()
    expect(await codes('other/1.0.0', 'my-crate/1.0.2', 'nobody/1.0.1')).toEqual(absent)
    expect((await node.ask(pathOf(good))).status).toBe(200)
  })

  it('is not fetched ahead either', async () => {
    const registry = await startRegistry()
    const names = ['denied', 'friend', 'other']
    for (const name of names) registry.publish(name, '1.0.0')
    registry.publish('my-crate', '1.0.0', { dependencies: names.map((name) => ({ name, req: '1' })) })
    const policy = { allow: [], deny: ['pkg:cargo/denied'], minimumAge: {}, minimumAgeExceptions: [] }
    const node = await startCargoNode({ data: temp.create('ahead'), registry, config: { policy } })
    expect((await node.ask(INDEX)).status).toBe(200)
    const asked = () => registry.tally.log.map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
    await eventually('the dependencies are fetched', () => asked().length >= 3)
    expect(asked().sort()).toEqual(['friend', 'my-crate', 'other'])
  })

  it('is passed over by a real cargo, which takes the one before', { timeout: 120_000 }, async (context) => {
    const { cargo: index } = await nodeWith({ deny: ['pkg:cargo/my-crate@1.1.0'] })
    const program = requireTool(context, 'cargo')
    const client = new Cargo({ program, work: temp.create('client'), index, dependencies: { 'my-crate': '1' } })
    succeeded(await client.run('fetch'))
    expect(client.locked.map(({ version }) => version)).toEqual(['1.0.0'])
  })
})

describe('a version that is younger than a policy wants', () => {
  it('is offered once it is old enough, by the time that the index tells', async () => {
    const { clock, old, newer, index, ask } = await nodeWith({ minimumAge: { cargo: 3 * DAY } })
    expect(await index()).toBe(`${old.line}\n`)
    expect((await ask(pathOf(newer))).status).toBe(403)
    clock.pass(4 * DAY)
    expect(await index()).toBe(`${old.line}\n${newer.line}\n`)
    expect((await ask(pathOf(newer))).body.equals(newer.archive)).toBe(true)
  })
})
