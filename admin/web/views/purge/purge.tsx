import { useState } from 'preact/hooks'
import type { PurgeRun } from '../../api/types.ts'
import { useAnswer } from '../../api/use-answer.ts'
import type { NodeView } from '../../api/use-status.ts'
import * as format from '../../format.ts'
import { HealthBadge } from '../../parts/health.tsx'
import { MeshProgress } from '../../parts/progress-mesh.tsx'
import { NodeProgress } from '../../parts/progress-node.tsx'
import type { Where } from '../../parts/where.tsx'
import { scopeText } from '../../scope-text.ts'
import { PurgeForm } from './purge-form.tsx'

/** Takes things out of this cache or of all, and follows how that gets on. */
export function Purge({ node: { value } }: { readonly node: NodeView }) {
  const [followed, setFollowed] = useState<{ readonly id: string; readonly where: Where }>()
  const { value: last } = useAnswer<{ purges: readonly PurgeRun[] }>('purges', 2_000)
  return (
    <>
      <PurgeForm
        mirrors={(value?.mirrors ?? []).map(({ name }) => name)}
        inMesh={value?.mesh.state !== 'lone'}
        onBegun={(id, where) => setFollowed({ id, where })}
      />
      {followed && (
        <section class="card" aria-label="Progress">
          <h2>Progress</h2>
          <NodeProgress id={followed.id} />
          {followed.where === 'mesh' && <MeshProgress hash={followed.id} own={value?.mesh.peer} />}
        </section>
      )}
      <section class="card">
        <h2>Last purges of this node</h2>
        {last?.purges.length === 0 && <p class="muted">None yet.</p>}
        <ul class="plain">
          {last?.purges.map(({ id, scopes, state, startedAt, freed }) => (
            <li key={id}>
              <HealthBadge health={state === 'done' ? 'good' : 'warn'} text={state} /> {scopes.map(scopeText).join(', ')}{' '}
              <span class="muted">
                {format.ago(startedAt)}, {format.bytes(freed.bytes)} freed{id.startsWith('local-') ? '' : ', by the mesh'}
              </span>
            </li>
          ))}
        </ul>
      </section>
    </>
  )
}
