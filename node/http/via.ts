import { WarrenError } from '../errors.ts'

/** What a Warren puts into `Via` (RFC 9110 section 7.6.3). */
const HOP = /^1\.1 warren-[\w-]{1,64}$/
/** Nodes that a request may have come through; real ways have two or three. */
const MAX_HOPS = 16

/**
 * The nodes that a request says it came through, for upstream. Of other proxies nothing is passed on: a way that leads in circles comes
 * by this node as well, which then finds itself. Whoever asks can write what it likes here, and a registry may have a firewall that takes
 * it for an attack, or take a name for its own: its «no» would be everybody's. Throws LOOP for too many.
 */
export function nodesIn(via: string | undefined): string | undefined {
  const hops = via?.split(',').map((hop) => hop.trim()) ?? []
  const nodes = hops.filter((hop) => HOP.test(hop))
  if (nodes.length > MAX_HOPS) throw new WarrenError('LOOP', `this request came through more than ${MAX_HOPS} nodes`)
  return nodes.length > 0 ? nodes.join(', ') : undefined
}
