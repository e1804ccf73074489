import { useState } from 'preact/hooks'
import type { Preview } from '../../api/types.ts'
import type { Action } from '../../api/use-action.ts'
import * as format from '../../format.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Facts } from '../../parts/facts.tsx'
import { Field } from '../../parts/field.tsx'
import { Notice } from '../../parts/notice.tsx'
import type { Where } from '../../parts/where.tsx'
import { scopeText } from '../../scope-text.ts'

interface ConfirmPurgeProps {
  readonly preview: Preview
  readonly where: Where
  readonly action: Action
  readonly onClose: () => void
  readonly onSure: () => void
}

/** Shows what would go, and has a word typed before it does: there is no way back. */
export function ConfirmPurge({ preview, where, action, onClose, onSure }: ConfirmPurgeProps) {
  const [typed, setTyped] = useState('')
  const word = where === 'mesh' ? 'purge the mesh' : 'purge'
  const { scopes, records, bytes, sample } = preview
  return (
    <Dialog title={where === 'mesh' ? 'Purge the whole mesh?' : 'Purge this node?'} onClose={onClose}>
      <div class="stack">
        <Facts
          of={{
            What: scopes.map(scopeText).join(', '),
            'At this node': `${format.count(records, 'name')}, ${format.bytes(bytes)}`,
          }}
        />
        {sample.length > 0 && (
          <details>
            <summary>The first of them</summary>
            <ul>
              {sample.map((key) => (
                <li key={key}>
                  <code>{key.split('\n').slice(1, 3).join('')}</code>
                </li>
              ))}
            </ul>
          </details>
        )}
        {where === 'mesh' && (
          <p>The same goes from all nodes of the mesh, seeds included, and from those that come back later.</p>
        )}
        <Field label={`Type «${word}» to go on`} value={typed} onValue={setTyped} />
        <Notice problem={action.problem} />
        <div class="row">
          <button type="button" class="danger" disabled={typed.trim() !== word || action.busy} onClick={onSure}>
            Purge
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            Cancel
          </button>
        </div>
      </div>
    </Dialog>
  )
}
