import { formatSpan } from '../../format.ts'
import { SEED_WARNED_AHEAD, WARNED_AHEAD } from '../../mesh-facts.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import type { Scene } from '../scene.ts'

/** Whether certificates end soon: whoever has none is let in by nobody. */
export function checkCertificates({ node, now }: Scene): readonly Finding[] {
  const { notAfter = null, role, peer } = node?.status.mesh ?? {}
  if (notAfter === null) return []
  const rest = notAfter - now
  const isSeed = role === 'seed'
  const remedy = isSeed
    ? `where the admin key is: warren seed renew ${peer}`
    : 'make a new ticket (warren mesh ticket), and warren mesh join here'
  const others = (node?.peers ?? []).filter((one) => one.role === 'seed' && one.notAfter - now < SEED_WARNED_AHEAD)
  return [
    rest < (isSeed ? SEED_WARNED_AHEAD : WARNED_AHEAD)
      ? wrong(rest < 0 ? `that of this node has ended` : `that of this node ends in ${formatSpan(rest)}`, remedy)
      : ok(`that of this node ends in ${formatSpan(rest)}`),
    ...others.map((one) =>
      note(
        one.notAfter < now
          ? `that of the seed …${one.id.slice(-8)} has ended`
          : `that of the seed …${one.id.slice(-8)} ends in ${formatSpan(one.notAfter - now)}`,
        `where the admin key is: warren seed renew ${one.id}`,
      ),
    ),
  ]
}
