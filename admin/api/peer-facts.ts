import type { Peers } from './peers-schema.ts'

/** Ms for which the ledgers of two members may differ without anything being wrong: each is looked at every half a minute. */
const DIFFERS_FOR_LONG = 2 * 60_000

/** Ms for which a member has had another ledger than the node that was asked; undefined while that is as it has to be. */
export function ledgerDiffersFor(
  { connected, ledgerDiffersSince: since }: Pick<Peers['peers'][number], 'connected' | 'ledgerDiffersSince'>,
  now: number,
): number | undefined {
  if (!connected || since === null || now - since < DIFFERS_FOR_LONG) return undefined
  return now - since
}
