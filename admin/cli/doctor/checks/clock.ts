import { formatSpan } from '../../format.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import type { Scene } from '../scene.ts'

/** Ms beyond which certificates and lifetimes suffer, and no op is issued any more. */
const FAR = 5 * 60_000
/** Ms that are worth a word. */
const SOME = 30_000

const SET_IT = 'have it set by NTP: timedatectl set-ntp true'

/** How the clock of the node stands against those of others. */
export function checkClock({ node }: Scene): readonly Finding[] {
  const { clock } = node?.examination ?? {}
  if (!clock) return []
  const others = [
    ['members', clock.aheadOfPeers],
    ['upstreams', clock.aheadOfUpstreams],
  ] as const
  const known = others.flatMap(([name, ahead]) => (ahead === null ? [] : [{ name, ahead }]))
  if (known.length === 0) return [note('there is nobody to compare the clock with: no member, no upstream that answers')]
  const worst = known.reduce((one, other) => (Math.abs(other.ahead) > Math.abs(one.ahead) ? other : one))
  if (Math.abs(worst.ahead) < SOME) return [ok(`as those of ${known.map(({ name }) => name).join(' and ')}`)]
  const text = `${formatSpan(Math.abs(worst.ahead))} ${worst.ahead > 0 ? 'ahead of' : 'behind'} those of ${worst.name}`
  return [Math.abs(worst.ahead) > FAR ? wrong(text, SET_IT) : note(text, SET_IT)]
}
