import { useEffect, useState } from 'preact/hooks'

/** The view that the hash names, `overview` without one: `#/cache` is the view `cache`. */
export function useRoute(): string {
  const [route, setRoute] = useState(current)
  useEffect(() => {
    const changed = () => setRoute(current())
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return route
}

function current(): string {
  return location.hash.replace(/^#\/?/, '') || 'overview'
}
