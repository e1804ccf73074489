import type { PurgeRun } from '../api/types.ts'
import { useAnswer } from '../api/use-answer.ts'
import * as format from '../format.ts'
import { Facts } from './facts.tsx'
import { HealthBadge } from './health.tsx'
import { Notice } from './notice.tsx'

/** How a purge gets on at this node. */
export function NodeProgress({ id }: { readonly id: string }) {
  const { value, problem } = useAnswer<PurgeRun>(`purges/${id}`, 1_000)
  if (!value) return <Notice problem={problem} />
  const { state, looked, freed, startedAt, endedAt, trouble } = value
  return (
    <div class="stack">
      <p aria-live="polite">
        {state === 'done' ? (
          <HealthBadge health="good" text="Done at this node" />
        ) : (
          <HealthBadge health="warn" text="Under way at this node; nothing of it is served any more" />
        )}
      </p>
      {state === 'running' && <progress aria-label="Purge of this node" />}
      <Facts
        of={{
          Freed: `${format.count(freed.records, 'name')}, ${format.count(freed.blobs, 'blob')}, ${format.bytes(freed.bytes)}`,
          'Looked at': format.count(looked, 'name'),
          Took:
            endedAt === null
              ? undefined
              : endedAt - startedAt < 1000
                ? `${endedAt - startedAt} ms`
                : format.span(endedAt - startedAt),
          Trouble: trouble,
        }}
      />
    </div>
  )
}
