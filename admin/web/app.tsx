import { useEffect, useRef } from 'preact/hooks'
import { setOperator } from './api/mesh-change.ts'
import { signOut } from './api/session.ts'
import { useStatus } from './api/use-status.ts'
import { HealthBadge } from './parts/health.tsx'
import { Notice } from './parts/notice.tsx'
import { SignIn } from './parts/sign-in.tsx'
import { useRoute } from './use-route.ts'
import { VIEWS } from './views/all.ts'

export function App() {
  const { view: route, rest } = useRoute()
  const node = useStatus()
  const view = VIEWS.find(({ path }) => path === route) ?? VIEWS[0]
  const heading = useRef<HTMLHeadingElement>(null)
  const isFirst = useRef(true)
  useEffect(() => {
    document.title = `${view.title} – Warren`
    // Whoever goes to another view by keyboard goes on there; whoever opens the page begins at its top.
    if (!isFirst.current) heading.current?.focus()
    isFirst.current = false
    // On a phone the menu is longer than the screen is wide.
    document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [view])
  const open = view.isOpen || node.signedIn
  return (
    <>
      <a class="skip" href={`#/${view.path}`} onClick={() => heading.current?.focus()}>
        Skip to content
      </a>
      <header class="top">
        <p class="brand">Warren</p>
        {node.problem !== undefined ? (
          <HealthBadge health="bad" text="no answer" />
        ) : (
          node.value && (
            <HealthBadge health={node.value.node.state === 'ready' ? 'good' : 'warn'} text={node.value.node.state} />
          )
        )}
        {node.signedIn && (
          <button
            type="button"
            class="quiet"
            onClick={() => {
              setOperator(undefined)
              signOut()
            }}
          >
            Sign out
          </button>
        )}
      </header>
      <nav aria-label="Views">
        {VIEWS.map(({ path, title }) => (
          <a key={path} href={`#/${path}`} aria-current={path === view.path ? 'page' : undefined}>
            {title}
          </a>
        ))}
      </nav>
      <main>
        <h1 ref={heading} tabIndex={-1}>
          {view.title}
        </h1>
        <Notice problem={node.problem} />
        {!node.signedIn && <SignIn />}
        {open && <view.View node={node} rest={rest} />}
      </main>
    </>
  )
}
