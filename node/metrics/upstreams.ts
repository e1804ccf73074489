import type { HostHealth } from '../upstream/upstream.ts'
import type { Family, Sample } from './family.ts'
import type { Snapshot } from './snapshot.ts'

/** Whatever the settings do not name: redirects lead there, token services are there, and clients name registries. */
const OTHER = 'other'

const STATES = ['closed', 'half-open', 'open', 'frozen'] as const satisfies readonly HostHealth['state'][]

type Counted = Pick<HostHealth, 'requests' | 'failures'>

/**
 * What upstreams are told of, under few names. Origins that nobody configured come and go, and are forgotten one by one: what was
 * counted at them stays counted.
 */
export class UpstreamFamilies {
  readonly #seen = new Map<string, Counted>()
  #others: Counted = { requests: 0, failures: 0 }

  readonly families: readonly Family[] = [
    this.#counter('warren_upstream_requests_total', 'Requests to upstreams.', 'requests'),
    this.#counter('warren_upstream_failures_total', 'Requests to upstreams that got no answer, or one of trouble.', 'failures'),
    gauge('warren_upstream_in_flight', 'Requests to upstreams under way.', ({ inFlight }) => inFlight),
    gauge('warren_upstream_queued', 'Requests that wait for their turn at an upstream.', ({ queued }) => queued),
    {
      name: 'warren_upstream_state',
      help: 'Origins by whether they are asked: closed (they are), half-open (once), open (breaker), frozen (as they told).',
      type: 'gauge',
      labels: ['upstream', 'state'],
      read: (snapshot) =>
        byLabel(snapshot).flatMap(([upstream, hosts]) =>
          STATES.map((state) => ({
            labels: { upstream, state },
            value: hosts.filter((host) => host.state === state).length,
          })),
        ),
    },
    budget('warren_upstream_budget_limit', 'Requests that an upstream grants in a window.', ({ limit }) => limit),
    budget(
      'warren_upstream_budget_remaining',
      'Requests that were left when an upstream last told.',
      ({ remaining }) => remaining,
    ),
    budget('warren_upstream_budget_window_seconds', 'The window of that.', ({ window }) => window),
  ]

  #counter(name: string, help: string, what: keyof Counted): Family {
    return {
      name,
      help,
      type: 'counter',
      labels: ['upstream'],
      read: (snapshot) => {
        this.#count(snapshot)
        return byLabel(snapshot).map(([upstream, hosts]) => ({
          labels: { upstream },
          value: upstream === OTHER ? this.#others[what] : sum(hosts, (host) => host[what]),
        }))
      },
    }
  }

  /** Adds what is new at origins of others. */
  #count({ upstream, configuredHosts }: Snapshot): void {
    const there = upstream.filter(({ origin }) => labelOf(origin, configuredHosts) === OTHER)
    for (const { origin, requests, failures } of there) {
      const before = this.#seen.get(origin)
      // Fewer than before: it was forgotten, and counts from the beginning again.
      const { requests: asked, failures: failed } =
        before && before.requests <= requests ? before : { requests: 0, failures: 0 }
      this.#others = {
        requests: this.#others.requests + requests - asked,
        failures: this.#others.failures + failures - failed,
      }
      this.#seen.set(origin, { requests, failures })
    }
    const known = new Set(there.map(({ origin }) => origin))
    for (const origin of this.#seen.keys()) if (!known.has(origin)) this.#seen.delete(origin)
  }
}

function gauge(name: string, help: string, value: (host: HostHealth) => number): Family {
  const read = (snapshot: Snapshot): Sample[] =>
    byLabel(snapshot).map(([upstream, hosts]) => ({ labels: { upstream }, value: sum(hosts, value) }))
  return { name, help, type: 'gauge', labels: ['upstream'], read }
}

/** Of upstreams in the settings only: the budgets of others do not add up. */
function budget(name: string, help: string, value: (budget: NonNullable<HostHealth['budget']>) => number): Family {
  const read = (snapshot: Snapshot): Sample[] =>
    byLabel(snapshot).flatMap(([upstream, hosts]) => {
      const told = hosts.find((host) => host.budget)?.budget
      return told && upstream !== OTHER ? [{ labels: { upstream }, value: value(told) }] : []
    })
  return { name, help, type: 'gauge', labels: ['upstream'], read }
}

/** All others are there from the start, so that the first request to one of them shows as an increase. */
function byLabel({ upstream, configuredHosts }: Snapshot): [string, HostHealth[]][] {
  const groups = new Map<string, HostHealth[]>([[OTHER, []]])
  for (const host of upstream) {
    const label = labelOf(host.origin, configuredHosts)
    groups.set(label, [...(groups.get(label) ?? []), host])
  }
  return [...groups]
}

function labelOf(origin: string, configuredHosts: ReadonlySet<string>): string {
  const { host } = new URL(origin)
  return configuredHosts.has(host) ? host : OTHER
}

function sum(hosts: readonly HostHealth[], value: (host: HostHealth) => number): number {
  return hosts.reduce((all, host) => all + value(host), 0)
}
