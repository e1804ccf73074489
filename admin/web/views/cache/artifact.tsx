import { useState } from 'preact/hooks'
import type { ArtifactView } from '../../../api/cache-schema.ts'
import { ask, messageOf, query } from '../../api/client.ts'
import { useAnswer } from '../../api/use-answer.ts'
import * as format from '../../format.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Notice } from '../../parts/notice.tsx'
import { Whereabouts } from './whereabouts.tsx'

interface ArtifactProps {
  readonly cacheKey: string
  readonly onClose: () => void
  readonly onDeleted: (what: string) => void
}

/** One artifact with all that is known of it. */
export function Artifact({ cacheKey, onClose, onDeleted }: ArtifactProps) {
  const path = `cache/artifact?${query({ key: cacheKey })}`
  const { value, problem } = useAnswer<ArtifactView>(path)
  const [sure, setSure] = useState(false)
  const [failed, setFailed] = useState<string>()
  const remove = async () => {
    try {
      await ask('DELETE', path)
      onDeleted(value?.package ?? value?.path ?? 'It')
    } catch (error) {
      setFailed(messageOf(error))
    }
  }
  return (
    <Dialog title={value?.package ?? value?.path ?? 'Artifact'} onClose={onClose}>
      <div class="stack">
        <Notice problem={failed ?? problem} />
        {!value && problem === undefined && <p aria-busy="true">Asking the node …</p>}
        {value && (
          <>
            <Facts of={factsOf(value)} />
            <h3>Where in the mesh it is</h3>
            <Whereabouts mesh={value.mesh} held={value.held} isPrivate={value.private} />
            <h3>Headers</h3>
            <Facts of={value.headers} />
            <div class="row">
              {sure ? (
                <>
                  <button type="button" class="danger" onClick={remove}>
                    Yes, delete it from this node
                  </button>
                  <button type="button" class="quiet" onClick={() => setSure(false)}>
                    Keep it
                  </button>
                </>
              ) : (
                <button type="button" class="danger" onClick={() => setSure(true)}>
                  Delete
                </button>
              )}
            </div>
          </>
        )}
      </div>
    </Dialog>
  )
}

function factsOf(artifact: ArtifactView) {
  const { freshFor, checkedAt } = artifact
  return {
    Path: <code>{artifact.path}</code>,
    Upstream: artifact.upstream,
    Mirrors: artifact.mirrors.join(', ') || 'none any more',
    Kind: artifact.kind,
    Variant: artifact.variant || undefined,
    Size: `${format.bytes(artifact.size)} (${format.number(artifact.size)} bytes)`,
    sha256: <code>{artifact.sha256}</code>,
    'Checked digests': artifact.verified.length > 0 ? artifact.verified.map((one) => <code key={one}>{one} </code>) : 'none',
    Fetched: `${format.time(artifact.fetchedAt)}, ${format.ago(artifact.fetchedAt)}`,
    Fresh: freshFor === null ? 'for ever' : `until ${format.time(checkedAt + freshFor)}`,
    ETag: artifact.etag,
    'Last modified': artifact.lastModified,
  }
}
