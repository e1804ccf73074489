import { useId } from 'preact/hooks'

interface FieldProps {
  readonly label: string
  readonly value: string
  readonly onValue: (value: string) => void
  readonly placeholder?: string
  readonly required?: boolean
  readonly disabled?: boolean
  /** Lines; one if not set. */
  readonly lines?: number
}

/** A text that somebody types, under its name. */
export function Field({ label, value, onValue, lines, ...rest }: FieldProps) {
  const id = useId()
  return (
    <label for={id}>
      {label}
      {lines === undefined ? (
        <input
          {...rest}
          id={id}
          type="text"
          autocomplete="off"
          spellcheck={false}
          value={value}
          onInput={({ currentTarget }) => onValue(currentTarget.value)}
        />
      ) : (
        <textarea
          {...rest}
          id={id}
          rows={lines}
          spellcheck={false}
          value={value}
          onInput={({ currentTarget }) => onValue(currentTarget.value)}
        />
      )}
    </label>
  )
}
