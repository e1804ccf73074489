import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

interface VirtualListProps<T> {
  readonly items: readonly T[]
  readonly label: string
  /** Px of a row; all have the same. */
  readonly rowHeight: number
  readonly keyOf: (item: T) => string
  readonly row: (item: T) => ComponentChildren
  /** Called when the end comes near. */
  readonly onEnd?: () => void
}

/** Rows beyond the visible ones that are there already when somebody scrolls. */
const AROUND = 8

/** A list of any length of which only what is visible is in the document. */
export function VirtualList<T>({ items, label, rowHeight, keyOf, row, onEnd }: VirtualListProps<T>) {
  const box = useRef<HTMLDivElement>(null)
  const [view, setView] = useState({ top: 0, height: 600 })
  const look = () => {
    const { scrollTop: top = 0, clientHeight: height = 600 } = box.current ?? {}
    setView({ top, height })
  }
  useEffect(() => {
    const observer = new ResizeObserver(look)
    if (box.current) observer.observe(box.current)
    return () => observer.disconnect()
  }, [])
  const first = Math.max(0, Math.floor(view.top / rowHeight) - AROUND)
  const last = Math.min(items.length, Math.ceil((view.top + view.height) / rowHeight) + AROUND)
  const nearEnd = last >= items.length
  useEffect(() => {
    if (nearEnd) onEnd?.()
  }, [nearEnd, items.length])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section class="virtual" ref={box} onScroll={look} tabIndex={0} aria-label={label}>
      <ul class="virtual-inner" style={{ height: `${items.length * rowHeight}px` }}>
        {items.slice(first, last).map((item, at) => (
          <li
            class="virtual-row"
            key={keyOf(item)}
            aria-setsize={items.length}
            aria-posinset={first + at + 1}
            style={{ top: `${(first + at) * rowHeight}px`, height: `${rowHeight}px` }}
          >
            {row(item)}
          </li>
        ))}
      </ul>
    </section>
  )
}
