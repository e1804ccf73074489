import { useEffect, useState } from 'preact/hooks'
import type { MirrorTest } from '../../../api/mirrors-schema.ts'
import { ask, messageOf } from '../../api/client.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { HealthBadge } from '../../parts/health.tsx'
import { Notice } from '../../parts/notice.tsx'

/** Has the node ask each upstream of a mirror, and shows how that went. */
export function MirrorTestDialog({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const [result, setResult] = useState<MirrorTest>()
  const [problem, setProblem] = useState<string>()
  useEffect(() => {
    const leaving = new AbortController()
    ask<MirrorTest>('POST', `mirrors/${encodeURIComponent(name)}/test`, undefined, leaving.signal).then(setResult, (error) => {
      if (!leaving.signal.aborted) setProblem(messageOf(error))
    })
    return () => leaving.abort()
  }, [name])
  return (
    <Dialog title={`Test of ${name}`} onClose={onClose}>
      <Notice problem={problem} />
      {!result && problem === undefined && <p aria-busy="true">The node is asking its upstreams …</p>}
      <ul class="plain" aria-live="polite">
        {result?.upstreams.map(({ url, reachable, status, ms, problem: wrong }) => (
          <li key={url}>
            <HealthBadge health={wrong === null ? 'good' : reachable ? 'warn' : 'bad'} text={wrong ?? `answers (${status})`} />{' '}
            after {Math.round(ms)} ms <span class="muted">{url}</span>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
