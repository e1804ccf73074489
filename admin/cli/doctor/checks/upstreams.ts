import { formatSpan } from '../../format.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import { type Scene, statusOf } from '../scene.ts'

/** Causes by what the trouble says, and what helps against each. */
const REMEDIES: readonly (readonly [cause: RegExp, action: string])[] = [
  [/certificate|self.signed|CERT_|issuer/i, 'name the authority of your network in upstream.ca (a PEM file)'],
  [
    /ENOTFOUND|EAI_AGAIN|getaddrinfo/i,
    'DNS does not know that name here; behind a proxy set HTTPS_PROXY where the node is started',
  ],
  [/private|not public/i, 'an upstream may lead to addresses as private as its own only: write that address as an upstream'],
  [/proxy/i, 'see HTTPS_PROXY, HTTP_PROXY and NO_PROXY where the node is started'],
]
const USUAL = 'see whether this machine reaches it (curl -I), and whether a proxy (HTTPS_PROXY) is meant'

/** Whether the node reaches what it fetches from, and what it still may fetch there. */
export function checkUpstreams(scene: Scene): readonly Finding[] {
  const { examination } = scene.node ?? {}
  if (!examination) return []
  const { upstreams } = examination
  if (upstreams.length === 0) return [note('no mirror has an upstream', 'name some in mirrors')]
  const well = upstreams.filter(({ reachable, problem }) => reachable && problem === null)
  const slowest = Math.max(0, ...well.map(({ ms }) => ms))
  const about = `${well.length} of ${upstreams.length} answer, the slowest within ${Math.round(slowest)} ms`
  const bad = upstreams.filter((one) => !well.includes(one))
  return [
    ...(well.length > 0 ? [ok(about)] : []),
    ...bad.map(({ url, mirrors, reachable, problem }) => {
      const text = `${url} (${mirrors.join(', ')}): ${problem ?? 'no answer'}`
      if (reachable) return note(text)
      return wrong(text, REMEDIES.find(([cause]) => cause.test(text))?.[1] ?? USUAL)
    }),
    ...budgets(scene),
  ]
}

function budgets(scene: Scene): Finding[] {
  return (statusOf(scene)?.upstream ?? []).flatMap(({ origin, state, until, budget }) => [
    ...(state === 'frozen'
      ? [note(`${origin} wants to be left alone for ${formatSpan(until - scene.now)} more`, 'log in (credentials), or wait')]
      : []),
    ...(budget?.isLow
      ? [
          note(
            `${origin} grants ${budget.remaining} of ${budget.limit} more`,
            'log in (credentials), or wait for the end of the window',
          ),
        ]
      : []),
  ])
}
