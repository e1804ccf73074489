import type { OpAnswer } from '../../../api/ops-schema.ts'
import * as format from '../../format.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { MeshProgress } from '../../parts/progress-mesh.tsx'
import { aboutOf } from './about.ts'

interface OpDialogProps {
  readonly op: OpAnswer
  readonly own: string
  readonly onClose: () => void
}

/** One op with what it says, and who has put it into effect, as that changes. */
export function OpDialog({ op, own, onClose }: OpDialogProps) {
  return (
    <Dialog title={op.type} onClose={onClose}>
      <div class="stack">
        <Facts
          of={{
            About: aboutOf(op),
            Author: op.operator === null ? 'the admin' : `operator ${op.operator}`,
            'Public key': <code>{op.author}</code>,
            Issued: `${format.time(op.issuedAt)}, by its author's clock`,
            Hash: <code>{op.hash}</code>,
          }}
        />
        <pre>{JSON.stringify(op.body, null, 2)}</pre>
        <MeshProgress hash={op.hash} own={own} />
      </div>
    </Dialog>
  )
}
