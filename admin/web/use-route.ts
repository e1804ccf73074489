import { useEffect, useState } from 'preact/hooks'

export interface Route {
  readonly view: string
  /** What of the view is shown. */
  readonly rest: string
}

/** The view that the hash names, `overview` without one: `#/mesh/12D3…` is `12D3…` in the view `mesh`. */
export function useRoute(): Route {
  const [route, setRoute] = useState(current)
  useEffect(() => {
    const changed = () => setRoute(current())
    addEventListener('hashchange', changed)
    return () => removeEventListener('hashchange', changed)
  }, [])
  return route
}

function current(): Route {
  const [view, ...rest] = location.hash.replace(/^#\/?/, '').split('/')
  return { view: view || 'overview', rest: rest.join('/') }
}
