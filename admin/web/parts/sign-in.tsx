import { useState } from 'preact/hooks'
import { messageOf, signInWith } from '../api/client.ts'
import { Notice } from './notice.tsx'

/** Asks for the node token, and tries it before it counts. */
export function SignIn() {
  const [value, setValue] = useState('')
  const [problem, setProblem] = useState<string>()
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      await signInWith(value)
    } catch (error) {
      setProblem(messageOf(error))
    }
  }
  return (
    <form class="card sign-in" onSubmit={submit}>
      <h2>Sign in</h2>
      <p>
        What names packages, addresses and registries is shown to whoever has the node token: the line in{' '}
        <code>node.token</code> in the data folder of this node. It is kept while this tab is open.
      </p>
      <label>
        Node token
        <input
          type="password"
          required
          autocomplete="off"
          spellcheck={false}
          value={value}
          onInput={({ currentTarget }) => setValue(currentTarget.value)}
        />
      </label>
      <button type="submit">Sign in</button>
      <Notice problem={problem} />
    </form>
  )
}
