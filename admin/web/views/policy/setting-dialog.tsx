import { useState } from 'preact/hooks'
import type { PolicyView } from '../../../api/policy-schema.ts'
import { change, type Seen } from '../../api/client.ts'
import { changeMesh } from '../../api/mesh-change.ts'
import { useAction } from '../../api/use-action.ts'
import { Dialog } from '../../parts/dialog.tsx'
import { Field } from '../../parts/field.tsx'
import { Notice } from '../../parts/notice.tsx'
import { type Where, WhereChoice } from '../../parts/where.tsx'
import { SETTINGS, type Setting, textOf, toSend } from './settings.ts'

interface SettingDialogProps {
  readonly seen: Seen<PolicyView>
  readonly inMesh: boolean
  readonly onClose: () => void
  readonly onDone: (what: string) => void
}

/** What this node, or the mesh, says of one setting of the policy. */
export function SettingDialog({ seen: { value, tag }, inMesh, onClose, onDone }: SettingDialogProps) {
  const { layers } = value
  const [setting, setSetting] = useState<Setting>('deny')
  const [where, setWhere] = useState<Where>('node')
  const said = (of: Setting, at: Where) => textOf((at === 'node' ? layers.overlay : layers.ledger)[of])
  const [text, setText] = useState(said('deny', 'node'))
  const { busy, problem, run } = useAction()
  const choose = (of: Setting, at: Where) => {
    setSetting(of)
    setWhere(at)
    setText(said(of, at))
  }
  const save = (wanted: unknown) =>
    run(async () => {
      if (where === 'node') await change('PUT', 'policy', tag, { ...layers.overlay, [setting]: wanted })
      else if (wanted === undefined) await changeMesh('policy.unset', { setting })
      else await changeMesh('policy.set', { setting, value: wanted })
      onDone(`The policy is changed ${where === 'node' ? 'at this node' : 'in the whole mesh'}.`)
      return undefined
    })
  return (
    <Dialog title="A setting of the policy" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault()
          void save(toSend(setting, text))
        }}
      >
        <label>
          Setting
          <select value={setting} onChange={({ currentTarget }) => choose(currentTarget.value as Setting, where)}>
            {Object.entries(SETTINGS).map(([name, { title }]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
        <Field label={SETTINGS[setting].how} value={text} onValue={setText} lines={5} />
        <WhereChoice value={where} onValue={(at) => choose(setting, at)} inMesh={inMesh} />
        <Notice problem={problem} />
        <div class="row">
          <button type="submit" disabled={busy}>
            Save
          </button>
          <button type="button" class="quiet" disabled={busy} onClick={() => save(undefined)}>
            Say nothing of it here
          </button>
        </div>
      </form>
    </Dialog>
  )
}
