import type { Clock } from './clock.ts'
import type { MirrorConfig } from './config/schema.ts'
import { basesOf } from './configured-upstreams.ts'
import { isWarrenError, reasonOf } from './errors.ts'
import type { Upstream } from './upstream/upstream.ts'

/** How an upstream answered. */
export interface Answered {
  readonly url: string
  readonly reachable: boolean
  /** HTTP status; null where there was none, or trouble. */
  readonly status: number | null
  readonly ms: number
  readonly problem: string | null
}

/** The same, and by how many ms its clock is ahead of this node's; undefined where it does not tell. */
interface Asked {
  readonly answered: Answered
  readonly ahead?: number
}

interface Asking {
  readonly upstream: Pick<Upstream, 'fetch'>
  readonly clock: Clock
}

/** Ms that all of them get: somebody waits for it. */
const LIMIT = 10_000

/** Asks each upstream of a mirror as the node would, redirects and logins included, and takes nothing of what it sends. Never rejects. */
export async function testMirror(
  mirror: MirrorConfig,
  asking: Asking,
  signal: AbortSignal,
): Promise<{ upstreams: Answered[] }> {
  const asked = [...new Set(basesOf([mirror]))].map((base) => askUpstream(base, mirror.protocol, asking, signal))
  return { upstreams: (await Promise.all(asked)).map(({ answered }) => answered) }
}

/** The same for one upstream, at its base URL. */
export async function askUpstream(
  base: string,
  protocol: string,
  { upstream, clock }: Asking,
  signal: AbortSignal,
): Promise<Asked> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(LIMIT)])
  const began = clock.now()
  const ms = () => clock.now() - began
  // Registries of images answer nowhere else (OCI Distribution 1.1, end-1).
  const url = protocol === 'oci' ? `${base}v2/` : base
  try {
    const { status, headers, destroy } = await upstream.fetch({ method: 'GET', url, base }, within)
    destroy()
    const told = Date.parse(headers.date ?? '')
    // What a cache on the way has kept for a while has an old date.
    const isNow = !Number.isNaN(told) && headers.age === undefined
    return {
      answered: { url, reachable: true, status, ms: ms(), problem: problemWith(status) },
      ...(isNow ? { ahead: told - (began + clock.now()) / 2 } : {}),
    }
  } catch (error) {
    const reachable = isWarrenError(error, 'UPSTREAM_FAILED', 'UPSTREAM_BUSY', 'UPSTREAM_DENIED')
    // Whoever reads it has the address beside it.
    const reason = reasonOf(error).replaceAll(`${new URL(base).origin}: `, '')
    const late = within.aborted ? `it did not answer within ${LIMIT / 1_000} s` : reason
    return { answered: { url, reachable, status: null, ms: ms(), problem: late } }
  }
}

/** What stands at the base is nobody's concern, and some registries have nothing there. */
function problemWith(status: number): string | null {
  return status === 401 || status === 403 ? `it wants a login, or another one (HTTP ${status}): see credentials` : null
}
