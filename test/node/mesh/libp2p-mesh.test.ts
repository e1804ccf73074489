import { meshConformance, populatedMeshConformance } from '../../conformance/mesh.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Members } from '../../harness/members.ts'
import { ShiftedClock } from '../../harness/shifted-clock.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

/** Ms for which a member that has just come is asked for anything, on a mere guess. */
const GUESSED = 30_000

/** The member under test is the one that made the mesh. */
async function start() {
  const members = new Members(temp)
  const clock = new ShiftedClock()
  const self = await members.open({ clock })
  return {
    mesh: self.mesh,
    join: async ({ blobs = [], kind = 'peer' }: { id: string; kind?: 'peer' | 'seed'; blobs?: readonly Buffer[] }) => {
      const member = await members.join({ role: kind === 'seed' ? 'seed' : 'member', clock })
      clock.shift += GUESSED
      for (const bytes of blobs) member.shelf.hold(bytes)
      for (const digest of await Array.fromAsync(member.shelf.holdings())) {
        await eventually('the others can know', async () => {
          for await (const { id } of self.mesh.find(digest, new AbortController().signal)) if (id === member.id) return true
          return false
        })
      }
      return member
    },
    hold: (blobs: readonly Buffer[]) => {
      for (const bytes of blobs) self.shelf.hold(bytes)
    },
    stop: () => members.close(),
  }
}

meshConformance('Libp2pMesh', start)
populatedMeshConformance('Libp2pMesh', start)
