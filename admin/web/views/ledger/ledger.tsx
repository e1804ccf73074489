import { useCallback, useEffect, useState } from 'preact/hooks'
import type { LedgerAnswer, OpAnswer } from '../../../api/ops-schema.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { usePages } from '../../api/use-pages.ts'
import type { NodeView } from '../../api/use-status.ts'
import * as format from '../../format.ts'
import { Facts } from '../../parts/facts.tsx'
import { HealthBadge } from '../../parts/health.tsx'
import { Notice } from '../../parts/notice.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import { aboutOf } from './about.ts'
import { OpDialog } from './op-dialog.tsx'

/** Px. */
const ROW = 56

/** What was changed in the whole mesh, by whom, and who has put it into effect. */
export function Ledger({ node: { value } }: { readonly node: NodeView }) {
  if (!value) return <p aria-busy="true">Asking the node …</p>
  if (value.mesh.state === 'lone') return <p>This node is in no mesh, so there is no ledger.</p>
  return <Ops own={value.mesh.peer} />
}

function Ops({ own }: { readonly own: string }) {
  const [opened, setOpened] = useState<OpAnswer>()
  const { value: about, problem } = useAnswer<LedgerAnswer>('ops?limit=1', 3_000)
  const pick = useCallback((answer: LedgerAnswer) => answer.ops, [])
  const ops = usePages<LedgerAnswer, OpAnswer>('ops?limit=200', pick)
  const newest = stateOf(about?.ops[0])
  const shown = stateOf(ops.items[0])
  useEffect(() => {
    if (newest !== undefined && newest !== shown && ops.state !== 'asking') ops.reload()
  }, [newest])
  return (
    <>
      <Notice problem={problem ?? ops.problem} />
      {about && (
        <section class="card">
          <Facts
            of={{
              Mesh: <code>{about.mesh}</code>,
              Ops: `${format.number(about.count)} that every node has to have`,
              Confirmed: about.confirmed ? (
                <HealthBadge health="good" text="by a seed: this node knows them all" />
              ) : (
                <HealthBadge health="warn" text="not yet: a seed has to say which ops there are" />
              ),
              'Admin key': <code>{about.adminKey}</code>,
            }}
          />
        </section>
      )}
      {ops.state === 'all' && ops.items.length === 0 && <p>Nothing has been changed in this mesh yet.</p>}
      {ops.items.length > 0 && (
        <VirtualList
          items={ops.items}
          label="Ops, the newest first"
          rowHeight={ROW}
          keyOf={({ hash }) => hash}
          onEnd={ops.more}
          row={(op) => (
            <button type="button" class="item" onClick={() => setOpened(op)}>
              <span>
                <strong>{op.type}</strong> {aboutOf(op)}
              </span>
              <span class="muted">
                <Standing op={op} /> · {op.operator === null ? 'admin' : `operator ${op.operator}`} · {format.ago(op.issuedAt)}{' '}
                · {op.appliedBy === null ? 'long ago' : `${op.appliedBy.length} have it, ${op.missing.length} missing`}
              </span>
            </button>
          )}
        />
      )}
      {opened && <OpDialog op={opened} own={own} onClose={() => setOpened(undefined)} />}
    </>
  )
}

/** What changes when a new op comes, or one more node puts the last into effect. */
function stateOf(op: OpAnswer | undefined): string | undefined {
  return op && `${op.hash} ${op.appliedBy?.length} ${op.missing.length}`
}

function Standing({ op: { isVoid, inEffect } }: { readonly op: OpAnswer }) {
  if (isVoid) return <HealthBadge health="bad" text="void: its author was revoked" />
  return inEffect ? <HealthBadge health="good" text="in effect" /> : <HealthBadge health="idle" text="superseded" />
}
