import { expect, it } from 'vitest'
import { get } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { LanMesh } from './lan-mesh.ts'

/** Nobody is told that a wire was cut: it shows when answers to pings stay away. */
const NOTICED_LIMIT_MS = 60_000

useLeakCheck()
const temp = useTempFolders()

it('a mesh that is cut in two serves on both sides, and is one again once it is put together', {
  timeout: 300_000,
}, async (context) => {
  await using all = await LanMesh.create(context, temp, { machines: 4, packages: 4 })
  const { lan, registry, mesh } = all
  await all.joinAll()
  const sides = [mesh.members.slice(0, 2), mesh.members.slice(2)] as const

  lan.partition(lan.hosts.slice(0, 2), lan.hosts.slice(2))
  for (const [seed, member] of sides) {
    // What nobody has, and then what somebody has on this side.
    for (const one of [member, seed]) {
      for (const { tarball, archive } of registry.latest) {
        const { status, body } = await get(`${one?.url}/npm${tarball}`)
        expect([status, body.equals(archive)]).toEqual([200, true])
      }
    }
  }
  for (const [at, side] of sides.entries()) {
    const lost = sides[1 - at]?.map(({ peer }) => peer) ?? []
    for (const one of side) {
      const isNoticed = async () => (await one.peers()).every(({ id, connected }) => !connected || !lost.includes(id))
      await eventually(`${one.name} has lost the others`, isNoticed, NOTICED_LIMIT_MS)
    }
    await mesh.connected(side)
  }

  lan.heal(lan.hosts.slice(0, 2), lan.hosts.slice(2))
  await mesh.connected()
})

it('a fresh member whose packets to the upstream are lost has from a seed all that it holds, names included', {
  timeout: 300_000,
}, async (context) => {
  await using all = await LanMesh.create(context, temp, { machines: 2, packages: 4 })
  const { lan, registry, mesh } = all
  const [home, cut] = lan.hosts
  if (!home || !cut) throw new Error('there are no machines')
  const seed = await mesh.join({ role: 'seed', host: home })
  const paths = registry.latest.flatMap(({ name, tarball }) => [`/npm/${name}`, `/npm${tarball}`])
  const install = (url: string) => Promise.all(paths.map(async (path) => (await get(url + path)).body.length))
  const held = await install(seed.url)
  lan.cutUpstream(cut)
  const member = await mesh.join({ host: cut })
  await mesh.connected()
  expect(await install(member.url)).toEqual(held)
  const { requests } = await member.status()
  expect([requests.seed, requests.upstream, requests.error]).toEqual([paths.length, 0, 0])
})
