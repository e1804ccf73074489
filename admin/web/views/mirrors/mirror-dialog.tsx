import { useState } from 'preact/hooks'
import type { LayeredMirrorView } from '../../../api/mirrors-schema.ts'
import { change, type Seen } from '../../api/client.ts'
import { changeMesh } from '../../api/mesh-change.ts'
import { useAction } from '../../api/use-action.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Field } from '../../parts/field.tsx'
import { Notice } from '../../parts/notice.tsx'
import { type Where, WhereChoice } from '../../parts/where.tsx'
import { entryOf, fieldsOf, type MirrorFields } from './entry.ts'

interface MirrorDialogProps {
  /** The one that is changed; undefined for a new one. */
  readonly seen: Seen<LayeredMirrorView> | undefined
  readonly protocols: readonly string[]
  readonly inMesh: boolean
  readonly onClose: () => void
  readonly onDone: (what: string) => void
}

/** Adds, changes or takes away a mirror, at this node or everywhere. */
export function MirrorDialog({ seen, protocols, inMesh, onClose, onDone }: MirrorDialogProps) {
  const mirror = seen?.value
  const [fields, setFields] = useState(fieldsOf(mirror?.name ?? '', mirror?.entry ?? {}))
  const [where, setWhere] = useState<Where>('node')
  const { busy, problem, run } = useAction()
  const set = (name: keyof MirrorFields) => (value: string) => setFields((before) => ({ ...before, [name]: value }))
  const { name } = fields
  const at = where === 'node' ? 'at this node' : 'in the whole mesh'
  const save = (make: () => object | false, what: string) =>
    run(async () => {
      const entry = make()
      if (where === 'node') await change('PUT', `mirrors/${encodeURIComponent(name)}`, seen?.tag, entry)
      else await changeMesh('mirrors.set', { name, entry })
      onDone(what)
      return undefined
    })
  const restore = () =>
    run(async () => {
      if (where === 'node') await change('DELETE', `mirrors/${encodeURIComponent(name)}`, seen?.tag)
      else await changeMesh('mirrors.unset', { name })
      onDone(`What was changed about ${name} ${at} is taken back.`)
      return undefined
    })
  const submit = (event: Event) => {
    event.preventDefault()
    void save(() => entryOf(fields), `The mirror ${name} is ${mirror ? 'changed' : 'added'} ${at}.`)
  }
  return (
    <Dialog title={mirror ? `Mirror ${mirror.name}` : 'New mirror'} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        {!mirror && <Field label="Name" value={name} onValue={set('name')} required placeholder="npm-corp" />}
        <label>
          Protocol
          <select value={fields.protocol} onChange={({ currentTarget }) => set('protocol')(currentTarget.value)}>
            <option value="">that of the built-in mirror of this name</option>
            {protocols.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
        <Field label="Path; /name/ if left empty" value={fields.path} onValue={set('path')} placeholder="/npm-corp/" />
        <Field
          label="Upstreams, one on each line, asked in this order"
          value={fields.upstreams}
          onValue={set('upstreams')}
          lines={3}
          placeholder="https://packages.example.test/npm/"
        />
        <Field
          label="Further settings, as JSON"
          value={fields.rest}
          onValue={set('rest')}
          lines={3}
          placeholder='{"lifetime": "10m"}'
        />
        <WhereChoice value={where} onValue={setWhere} inMesh={inMesh} />
        <Notice problem={problem} />
        <div class="row">
          <button type="submit" disabled={busy}>
            {mirror ? 'Save' : 'Add'}
          </button>
          {mirror?.mirror && (
            <button
              type="button"
              class="danger"
              disabled={busy}
              onClick={() => save(() => false, `The mirror ${name} is taken away ${at}.`)}
            >
              Take away
            </button>
          )}
          {mirror?.layer === (where === 'node' ? 'overlay' : 'ledger') && (
            <button type="button" class="quiet" disabled={busy} onClick={restore}>
              Take changes back
            </button>
          )}
        </div>
        {mirror?.shadows.map(({ layer, entry }) => (
          <div key={layer}>
            <h3>Without it, by {layer}</h3>
            <pre>{JSON.stringify(entry, null, 2)}</pre>
          </div>
        ))}
      </form>
    </Dialog>
  )
}
