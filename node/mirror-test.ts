import type { Clock } from './clock.ts'
import type { MirrorConfig } from './config/schema.ts'
import { isWarrenError, reasonOf } from './errors.ts'
import type { Upstream } from './upstream/upstream.ts'

/** How an upstream answered. */
interface Answered {
  readonly url: string
  readonly reachable: boolean
  /** HTTP status; null where there was none, or trouble. */
  readonly status: number | null
  readonly ms: number
  readonly problem: string | null
}

/** Ms that all of them get: somebody waits for it. */
const LIMIT = 10_000

/** Asks each upstream of a mirror as the node would, redirects and logins included, and takes nothing of what it sends. Never rejects. */
export async function testMirror(
  { protocol, upstreams, routes = [] }: MirrorConfig,
  { upstream, clock }: { readonly upstream: Pick<Upstream, 'fetch'>; readonly clock: Clock },
  signal: AbortSignal,
): Promise<{ upstreams: Answered[] }> {
  const bases = new Set([...upstreams, ...routes.flatMap((route) => route.upstream ?? [])])
  const within = AbortSignal.any([signal, AbortSignal.timeout(LIMIT)])
  const ask = async (base: string): Promise<Answered> => {
    const began = clock.now()
    const ms = () => clock.now() - began
    // Registries of images answer nowhere else (OCI Distribution 1.1, end-1).
    const url = protocol === 'oci' ? `${base}v2/` : base
    try {
      const { status, destroy } = await upstream.fetch({ method: 'GET', url, base }, within)
      destroy()
      return { url, reachable: true, status, ms: ms(), problem: problemWith(status) }
    } catch (error) {
      const reachable = isWarrenError(error, 'UPSTREAM_FAILED', 'UPSTREAM_BUSY', 'UPSTREAM_DENIED')
      const late = within.aborted ? `it did not answer within ${LIMIT / 1_000} s` : reasonOf(error)
      return { url, reachable, status: null, ms: ms(), problem: late }
    }
  }
  return { upstreams: await Promise.all([...bases].map(ask)) }
}

/** What stands at the base is nobody's concern, and some registries have nothing there. */
function problemWith(status: number): string | null {
  return status === 401 || status === 403 ? `it wants a login, or another one (HTTP ${status}): see credentials` : null
}
