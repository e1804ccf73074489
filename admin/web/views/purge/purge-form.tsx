import { useId, useState } from 'preact/hooks'
import { ask } from '../../api/client.ts'
import { changeMesh } from '../../api/mesh-change.ts'
import type { Preview, PurgeRun } from '../../api/types.ts'
import { useAction } from '../../api/use-action.ts'
import { Field } from '../../parts/field.tsx'
import { Notice } from '../../parts/notice.tsx'
import { type Where, WhereChoice } from '../../parts/where.tsx'
import { ConfirmPurge } from './confirm-purge.tsx'
import { bodyOf, KINDS, type Kind, type Wanted } from './scopes.ts'

interface PurgeFormProps {
  readonly mirrors: readonly string[]
  readonly inMesh: boolean
  /** Called with what the purge can be followed by. */
  readonly onBegun: (id: string, where: Where) => void
}

/** Asks what is to go and where, looks at what that would be, and begins once somebody has said that it is meant. */
export function PurgeForm({ mirrors, inMesh, onBegun }: PurgeFormProps) {
  const [wanted, setWanted] = useState<Wanted>({ kind: 'package', mirror: '', pattern: '', package: '', digest: '' })
  const [where, setWhere] = useState<Where>('node')
  const [preview, setPreview] = useState<Preview>()
  const look = useAction()
  const begin = useAction()
  const name = useId()
  const set = (key: keyof Wanted) => (value: string) => setWanted((before) => ({ ...before, [key]: value }))
  const { kind } = wanted
  return (
    <form
      class="card"
      onSubmit={(event) => {
        event.preventDefault()
        void look.run(async () => {
          setPreview(await ask<Preview>('POST', 'purges', { ...bodyOf(wanted), dryRun: true }))
          return undefined
        })
      }}
    >
      <fieldset>
        <legend>What</legend>
        {(Object.keys(KINDS) as Kind[]).map((one) => (
          <label class="choice" key={one}>
            <input type="radio" name={name} checked={kind === one} onChange={() => set('kind')(one)} />
            {KINDS[one]}
          </label>
        ))}
      </fieldset>
      {(kind === 'mirror' || kind === 'pattern') && (
        <label>
          Mirror
          <select required value={wanted.mirror} onChange={({ currentTarget }) => set('mirror')(currentTarget.value)}>
            <option value="">choose one</option>
            {mirrors.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </select>
        </label>
      )}
      {kind === 'pattern' && (
        <Field label="Pattern of paths, * for any characters" value={wanted.pattern} onValue={set('pattern')} required />
      )}
      {kind === 'package' && (
        <Field
          label="Package URL, with * and ranges"
          value={wanted.package}
          onValue={set('package')}
          required
          placeholder="pkg:npm/left-pad@<1.3.0"
        />
      )}
      {kind === 'digest' && (
        <Field label="Digest" value={wanted.digest} onValue={set('digest')} required placeholder="sha256:…" />
      )}
      <WhereChoice value={where} onValue={setWhere} inMesh={inMesh} />
      <button type="submit" disabled={look.busy}>
        See what would go
      </button>
      <Notice problem={look.problem} />
      {preview && (
        <ConfirmPurge
          preview={preview}
          where={where}
          action={begin}
          onClose={() => setPreview(undefined)}
          onSure={() =>
            begin.run(async () => {
              const id =
                where === 'node'
                  ? (await ask<PurgeRun>('POST', 'purges', bodyOf(wanted))).id
                  : (await changeMesh('purge', { scopes: preview.scopes })).hash
              setPreview(undefined)
              onBegun(id, where)
              return undefined
            })
          }
        />
      )}
    </form>
  )
}
