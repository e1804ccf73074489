/** Where the node token is while this tab is open: nothing else of the browser gets it, and no request carries it by itself. */
const KEY = 'warren.token'

const listeners = new Set<() => void>()

export function token(): string | null {
  return sessionStorage.getItem(KEY)
}

export function signIn(value: string): void {
  sessionStorage.setItem(KEY, value.trim())
  tell()
}

export function signOut(): void {
  sessionStorage.removeItem(KEY)
  tell()
}

/** Calls back whenever somebody signs in or out; returns what ends that. */
export function onSession(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function tell(): void {
  for (const listener of listeners) listener()
}
