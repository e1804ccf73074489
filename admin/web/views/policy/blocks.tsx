import { useCallback, useState } from 'preact/hooks'
import type { BlockView } from '../../../api/policy-schema.ts'
import { ask, query } from '../../api/client.ts'
import { changeMesh } from '../../api/mesh-change.ts'
import { useAction } from '../../api/use-action.ts'
import { usePages } from '../../api/use-pages.ts'
import { Field } from '../../parts/field.tsx'
import { Notice } from '../../parts/notice.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import { type Where, WhereChoice } from '../../parts/where.tsx'

interface BlocksAnswer {
  readonly blocks: BlockView[]
  readonly next: string | null
}

/** Px. */
const ROW = 60

/** Packages that nobody gets; another one is blocked here, or a block taken back. */
export function Blocks({ inMesh }: { readonly inMesh: boolean }) {
  const [purl, setPurl] = useState('')
  const [reason, setReason] = useState('')
  const [where, setWhere] = useState<Where>('node')
  const { busy, problem, done, run } = useAction()
  const pick = useCallback((answer: BlocksAnswer) => answer.blocks, [])
  const blocks = usePages<BlocksAnswer, BlockView>('policy/blocks?limit=200', pick)
  const block = (event: Event) => {
    event.preventDefault()
    void run(async () => {
      const body = { purl, ...(reason !== '' && { reason }) }
      if (where === 'node') await ask('POST', 'policy/blocks', body)
      else await changeMesh('policy.block', body)
      setPurl('')
      setReason('')
      blocks.reload()
      return `${purl} is blocked ${where === 'node' ? 'at this node' : 'in the whole mesh'}.`
    })
  }
  const unblock = (one: BlockView) =>
    run(async () => {
      if (one.layer === 'ledger') await changeMesh('policy.unblock', { purl: one.purl })
      else await ask('DELETE', `policy/blocks?${query({ purl: one.purl })}`)
      blocks.reload()
      return `The block of ${one.purl} is taken back.`
    })
  return (
    <section class="card">
      <h2>Blocked packages</h2>
      <form class="stack" onSubmit={block}>
        <div class="columns narrow">
          <Field label="Package URL" value={purl} onValue={setPurl} required placeholder="pkg:npm/left-pad@<1.3.0" />
          <Field label="Reason, told to whoever asks for it" value={reason} onValue={setReason} />
        </div>
        <WhereChoice value={where} onValue={setWhere} inMesh={inMesh} />
        <div class="row">
          <button type="submit" class="danger" disabled={busy}>
            Block
          </button>
        </div>
      </form>
      <Notice problem={problem ?? blocks.problem} done={done} />
      {blocks.items.length === 0 && blocks.state === 'all' && <p class="muted">Nothing is blocked.</p>}
      {blocks.items.length > 0 && (
        <VirtualList
          items={blocks.items}
          label="Blocks"
          rowHeight={ROW}
          keyOf={({ purl: one, layer }) => `${one} ${layer}`}
          onEnd={blocks.more}
          row={(one) => (
            <div class="row apart block">
              <div class="item">
                <span>
                  <strong>{one.purl}</strong>
                </span>
                <span class="muted">
                  {one.layer === 'overlay' ? 'this node' : one.layer === 'ledger' ? 'the mesh' : 'configuration'}
                  {one.reason !== null && `: ${one.reason}`}
                </span>
              </div>
              {(one.layer === 'overlay' || one.layer === 'ledger') && (
                <button type="button" class="quiet" disabled={busy} onClick={() => unblock(one)}>
                  Unblock<span class="hidden"> {one.purl}</span>
                </button>
              )}
            </div>
          )}
        />
      )}
    </section>
  )
}
