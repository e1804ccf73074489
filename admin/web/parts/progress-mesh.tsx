import type { OpAnswer } from '../../api/ops-schema.ts'
import { useAnswer } from '../api/use-answer.ts'
import * as format from '../format.ts'
import { HealthBadge } from './health.tsx'
import { Notice } from './notice.tsx'
import { VirtualList } from './virtual-list.tsx'

interface Member {
  readonly peer: string
  readonly missing?: OpAnswer['missing'][number]
  /** What a purge has taken from it; undefined while it is under way there, and of other ops. */
  readonly freed?: OpAnswer['freed'][number] | undefined
}

/** Px. */
const ROW = 34

/** Who has put an op into effect, node by node, and who has not. */
export function MeshProgress({ hash, own }: { readonly hash: string; readonly own: string | undefined }) {
  const { value, problem } = useAnswer<OpAnswer>(`ops/${hash}`, 1_000)
  if (!value) return <Notice problem={problem} />
  const { appliedBy, missing, freed } = value
  if (appliedBy === null) return <p>It is of long ago: who has put it into effect is not kept any more.</p>
  const all = appliedBy.length + missing.length
  const members: Member[] = [
    ...missing.map((one) => ({ peer: one.peer, missing: one })),
    ...appliedBy.map((peer) => ({ peer, freed: freed.find((one) => one.peer === peer) })),
  ]
  return (
    <div class="stack">
      <p aria-live="polite">
        {missing.length === 0 ? (
          <HealthBadge health="good" text={`All ${all} nodes have put it into effect`} />
        ) : (
          <HealthBadge health="warn" text={`${appliedBy.length} of ${all} nodes have put it into effect`} />
        )}
      </p>
      <progress max={all} value={appliedBy.length} aria-label="Nodes that have put it into effect" />
      <VirtualList
        items={members}
        label="Node by node"
        rowHeight={ROW}
        keyOf={({ peer }) => peer}
        row={({ peer, missing: lacking, freed: gone }) => (
          <div class="item">
            <span>
              {!lacking && <HealthBadge health="good" text="done" />}
              {lacking?.connected && <HealthBadge health="warn" text="not yet" />}
              {lacking && !lacking.connected && (
                <HealthBadge health="idle" text={`away, seen ${format.ago(lacking.lastSeen)}`} />
              )}{' '}
              <code>{peer}</code> {peer === own && '(this node)'}
              {gone && ` ${format.bytes(gone.bytes)} freed`}
            </span>
          </div>
        )}
      />
    </div>
  )
}
