import { afterEach, expect, test } from 'vitest'
import { digestOf } from '../../../conformance/mesh.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { Members } from '../../../harness/members.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { eventually } from '../../../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()
const members = new Members(temp)
afterEach(() => members.close())
const NEVER = new AbortController().signal
const LIMIT = 100_000

test('one of twenty-five hears what all others have and what they get, asks no DHT, and forgets who leaves', {
  timeout: 240_000,
}, async () => {
  const seed = await members.open()
  const others = await Promise.all(Array.from({ length: 24 }, () => members.open()))
  const bytesOf = (at: number, what: string) => Buffer.from(`${what} of member ${at}`)
  for (const [at, { shelf }] of others.entries()) shelf.hold(bytesOf(at, 'the first'))
  const found = async (bytes: Buffer) => (await Array.fromAsync(seed.mesh.find(digestOf(bytes), NEVER))).map(({ id }) => id)
  await eventually(
    'all have told what they have',
    () => seed.mesh.peers().filter(({ inventory }) => inventory?.state === 'fresh' && inventory.keys === 2).length === 24,
    LIMIT,
  )
  await eventually('nobody is left to be met', () => seed.mesh.status().router?.coversAll, LIMIT)
  for (const [at, { id }] of others.entries()) expect(await found(bytesOf(at, 'the first'))).toEqual([id])
  for (const [at, { shelf }] of others.entries()) shelf.hold(bytesOf(at, 'the second'))
  await eventually(
    'all have told what they got',
    () => seed.mesh.peers().every(({ inventory }) => inventory?.keys === 4),
    LIMIT,
  )
  for (const [at, { id }] of others.entries()) expect(await found(bytesOf(at, 'the second'))).toEqual([id])
  expect(seed.mesh.status().router).toMatchObject({
    inventory: { hit: 48, miss: 0, false: 0 },
    dht: { hit: 0, miss: 0, spared: 48 },
  })
  const gone = others.slice(0, 3)
  for (const { mesh } of gone) await mesh.close()
  const isGone = (id: string) => seed.mesh.peers().some((peer) => peer.id === id && !peer.connected)
  await eventually('it has noticed', () => gone.every(({ id }) => isGone(id)), LIMIT)
  for (const at of gone.keys()) expect(await found(bytesOf(at, 'the first'))).toEqual([])
  await eventually(
    'nobody else can have it',
    () => {
      return seed.mesh.headStart([digestOf(bytesOf(0, 'the first'))], { metered: true }) === 0
    },
    LIMIT,
  )
})
