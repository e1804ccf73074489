import { useState } from 'preact/hooks'
import type { Status } from '../../../api/status-schema.ts'
import { query } from '../../api/client.ts'
import { Field } from '../../parts/field.tsx'

interface SearchFormProps {
  readonly mirrors: Status['mirrors']
  /** Called with a query of the API. */
  readonly onSearch: (query: string) => void
}

const NOTHING = { q: '', package: '', mirror: '', pattern: '', digest: '' }

export function SearchForm({ mirrors, onSearch }: SearchFormProps) {
  const [fields, setFields] = useState(NOTHING)
  const set = (name: keyof typeof NOTHING) => (value: string) => setFields((before) => ({ ...before, [name]: value }))
  return (
    <form
      class="card"
      aria-label="Search"
      onSubmit={(event) => {
        event.preventDefault()
        onSearch(query({ ...fields, pattern: fields.mirror === '' ? '' : fields.pattern }))
      }}
    >
      <div class="columns narrow">
        <Field label="Text in the path" value={fields.q} onValue={set('q')} />
        <Field
          label="Package URL, with * and ranges"
          value={fields.package}
          onValue={set('package')}
          placeholder="pkg:npm/left-pad@1.x"
        />
        <label>
          Mirror
          <select value={fields.mirror} onChange={({ currentTarget }) => set('mirror')(currentTarget.value)}>
            <option value="">all</option>
            {mirrors.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
        <Field
          label="Pattern of paths of that mirror"
          value={fields.pattern}
          onValue={set('pattern')}
          placeholder="*.tgz"
          disabled={fields.mirror === ''}
        />
        <Field label="Digest" value={fields.digest} onValue={set('digest')} placeholder="sha256:…" />
      </div>
      <div class="row">
        <button type="submit">Search</button>
        <button
          type="button"
          class="quiet"
          onClick={() => {
            setFields(NOTHING)
            onSearch('')
          }}
        >
          Show all
        </button>
      </div>
    </form>
  )
}
