import type { ComponentType } from 'preact'
import type { NodeView } from '../api/use-status.ts'
import { Cache } from './cache/cache.tsx'
import { Overview } from './overview/overview.tsx'
import { Upstreams } from './upstreams.tsx'

interface ViewProps {
  readonly node: NodeView
}

interface View {
  /** In the hash. */
  readonly path: string
  readonly title: string
  /** Whether it has something for those who have no token. */
  readonly isOpen?: boolean
  readonly View: ComponentType<ViewProps>
}

/** In the order of the menu; the first is shown where the hash names none. */
export const VIEWS: readonly [View, ...View[]] = [
  { path: 'overview', title: 'Overview', isOpen: true, View: Overview },
  { path: 'upstreams', title: 'Upstreams', View: Upstreams },
  { path: 'cache', title: 'Cache', View: Cache },
]
