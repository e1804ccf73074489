import { plural } from '../../format.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import { isWithoutSeeds, type Scene } from '../scene.ts'

/** Whether the node knows what was changed in its mesh. */
export function checkLedger(scene: Scene): readonly Finding[] {
  const { node } = scene
  const { ledger } = node?.examination ?? {}
  if (!ledger) return []
  const ops = plural(ledger.ops, 'op')
  if (ledger.confirmed) return [ok(`${ops} in effect, all that there are`)]
  return [
    (isWithoutSeeds(scene) ? note : wrong)(
      `${ops}, and no seed says that these are all${node?.status.mesh.seeds === 0 ? '' : ': it serves its clients, and hands nothing to members'}`,
      'start the seeds, or open the way to them (mesh.listen, 7471)',
    ),
  ]
}
