import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Members } from '../../harness/members.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'

useLeakCheck()
const members = new Members(useTempFolders())
afterEach(() => members.close())

test('a member for one job is forgotten by all when it goes, and one that comes back is not', async () => {
  const seed = await members.open()
  const other = await members.join()
  const passing = await members.join({ mesh: { ephemeral: true } })
  await eventually('all know each other', () =>
    [seed, other].every(({ mesh }) => mesh.peers().some(({ id, connected }) => id === passing.id && connected)),
  )
  await passing.mesh.close()
  await eventually('nobody knows it any more', () =>
    [seed, other].every(({ mesh }) => mesh.peers().every(({ id }) => id !== passing.id)),
  )
  await other.mesh.close()
  await eventually('the other one is away', () => seed.mesh.peers().some(({ id, connected }) => id === other.id && !connected))
  await seed.mesh.close()
  const remembered = readFileSync(join(seed.data, 'mesh/peers.json'), 'utf8')
  expect(remembered).toContain(other.id)
  expect(remembered).not.toContain(passing.id)
})
