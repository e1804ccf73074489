export type Headers = Readonly<Record<string, string>>

/** Headers as they came, by lower-case name: name and value by turns from HTTP/1.1, a record from HTTP/2. */
export function responseHeaders(raw: readonly (Buffer | string)[] | Readonly<Record<string, unknown>>): Headers {
  const headers = new Map<string, string>()
  const add = (name: string, value: string) => {
    const before = headers.get(name)
    headers.set(name, before === undefined ? value : `${before}, ${value}`)
  }
  if (Array.isArray(raw)) {
    for (let i = 0; i + 1 < raw.length; i += 2) add(text(raw[i]).toLowerCase(), text(raw[i + 1]))
  } else {
    for (const [name, value] of Object.entries(raw)) for (const one of [value].flat()) add(name.toLowerCase(), text(one))
  }
  // Defines own properties, whatever a header is called; an assignment to `__proto__` would not.
  return Object.fromEntries(headers)
}

/** Bytes map to the same code points and back, so what is passed on is what came. */
function text(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('latin1') : String(value)
}
