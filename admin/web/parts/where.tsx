import { useEffect, useId, useState } from 'preact/hooks'
import { currentOperator, onOperator, setOperator } from '../api/mesh-change.ts'
import { readOperator } from '../api/operator.ts'
import { useAction } from '../api/use-action.ts'
import * as format from '../format.ts'
import { Notice } from './notice.tsx'

export type Where = 'node' | 'mesh'

interface WhereProps {
  readonly value: Where
  readonly onValue: (where: Where) => void
  /** Of a lone node nothing is asked. */
  readonly inMesh: boolean
}

/** For whom a change is, and who signs one of the whole mesh. */
export function WhereChoice({ value, onValue, inMesh }: WhereProps) {
  const name = useId()
  if (!inMesh) return null
  const choice = (where: Where, text: string) => (
    <label class="choice">
      <input type="radio" name={name} checked={value === where} onChange={() => onValue(where)} />
      {text}
    </label>
  )
  return (
    <>
      <fieldset>
        <legend>Where</legend>
        {choice('node', 'This node')}
        {choice('mesh', 'The whole mesh')}
      </fieldset>
      {value === 'mesh' && <Signer />}
    </>
  )
}

function Signer() {
  const [operator, setShown] = useState(currentOperator)
  const [text, setText] = useState('')
  const { problem, busy, run } = useAction()
  useEffect(() => onOperator(() => setShown(currentOperator())), [])
  if (operator)
    return (
      <div class="row">
        <span>
          Signed by operator <strong>{operator.name}</strong> ({operator.scope.join(', ')}), until{' '}
          {format.time(operator.notAfter)}
        </span>
        <button type="button" class="quiet" onClick={() => setOperator(undefined)}>
          Forget the key
        </button>
      </div>
    )
  return (
    <div class="row signer">
      <label>
        Operator key
        <input
          type="password"
          autocomplete="off"
          placeholder="not needed at the node with the admin key"
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <button
        type="button"
        class="quiet"
        disabled={busy || text === ''}
        onClick={() =>
          run(async () => {
            setOperator(await readOperator(text))
            return undefined
          })
        }
      >
        Sign with it
      </button>
      <Notice problem={problem} />
    </div>
  )
}
