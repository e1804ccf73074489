/** How something is: told by a sign and a word, so that nobody has to tell colours apart. */
export type Health = 'good' | 'idle' | 'warn' | 'bad'

const SIGNS: Readonly<Record<Health, string>> = { good: '●', idle: '○', warn: '▲', bad: '✖' }

export function HealthBadge({ health, text }: { readonly health: Health; readonly text: string }) {
  return (
    <span class={`badge ${health}`}>
      <span aria-hidden="true">{SIGNS[health]}</span> {text}
    </span>
  )
}
