import { useCallback, useState } from 'preact/hooks'
import type { KeptView } from '../../../api/cache-schema.ts'
import { usePages } from '../../api/use-pages.ts'
import type { NodeView } from '../../api/use-status.ts'
import * as format from '../../format.ts'
import { HealthBadge } from '../../parts/health.tsx'
import { Notice } from '../../parts/notice.tsx'
import { VirtualList } from '../../parts/virtual-list.tsx'
import { Artifact } from './artifact.tsx'
import { SearchForm } from './search-form.tsx'

interface CacheAnswer {
  readonly entries: KeptView[]
  readonly next: string | null
}

/** Px. */
const ROW = 56

/** What is kept here, found by what somebody knows of it, page by page as far as somebody scrolls. */
export function Cache({ node: { value } }: { readonly node: NodeView }) {
  const [asked, setAsked] = useState('')
  const [opened, setOpened] = useState<string>()
  const [done, setDone] = useState<string>()
  const pick = useCallback((answer: CacheAnswer) => answer.entries, [])
  const found = usePages<CacheAnswer, KeptView>(`cache?limit=200${asked && `&${asked}`}`, pick)
  return (
    <>
      <SearchForm mirrors={value?.mirrors ?? []} onSearch={setAsked} />
      <Notice problem={found.problem} done={done} />
      <p aria-live="polite">
        {found.state === 'asking' ? 'Looking …' : `${format.number(found.items.length)} found`}
        {found.state === 'more' && ' so far'}
      </p>
      {found.items.length > 0 && (
        <VirtualList
          items={found.items}
          label="What was found"
          rowHeight={ROW}
          keyOf={({ key }) => key}
          onEnd={found.more}
          row={(item) => (
            <button type="button" class="item" onClick={() => setOpened(item.key)}>
              <span>
                <strong>{item.package ?? item.path}</strong> {item.package !== null && <span class="muted">{item.path}</span>}
              </span>
              <span class="muted">
                {item.ecosystem} · {item.kind} · {format.bytes(item.size)} · {format.ago(item.fetchedAt)} ·{' '}
                {item.held ? <HealthBadge health="good" text="held" /> : <HealthBadge health="idle" text="name only" />}
                {item.private && ' · private'}
              </span>
            </button>
          )}
        />
      )}
      {found.state === 'more' && (
        <p>
          <button type="button" class="quiet" onClick={found.more}>
            Look further
          </button>
        </p>
      )}
      {opened !== undefined && (
        <Artifact
          cacheKey={opened}
          onClose={() => setOpened(undefined)}
          onDeleted={(what) => {
            setOpened(undefined)
            setDone(`${what} is deleted from this node.`)
            found.reload()
          }}
        />
      )}
    </>
  )
}
