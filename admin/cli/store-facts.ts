import { shortageText } from '../../node/permanence/shortage-text.ts'
import type { Status } from '../api/status-schema.ts'
import { formatBytes, formatSpan, plural } from './format.ts'

type Store = Status['store']

/** What a node keeps, for people: the most important thing first. */
export function storeFacts(store: Store, isSeed: boolean, now: number): string[] {
  const { blobs, bytes, records, free, storing, shortage, turnedAway, evicted, scrub } = store
  return [
    `${plural(blobs, 'blob')}, ${formatBytes(bytes)}${shareText(store)}, ${plural(records, 'name record')}; ${formatBytes(free)} free on the disk`,
    ...(storing ? [] : [shortageText(shortage ?? 'disk', { isSeed, obstacle: evicted?.obstacle ?? null })]),
    ...(turnedAway && turnedAway.blobs > 0
      ? [
          `no room for ${plural(turnedAway.blobs, 'blob')} of ${formatBytes(turnedAway.bytes)} since start, within store.minFree and store.quota`,
        ]
      : []),
    ...(evicted && evicted.blobs > 0
      ? [`${plural(evicted.blobs, 'blob')} of ${formatBytes(evicted.bytes)} made room since start`]
      : []),
    ...(scrub ? scrubFacts(scrub, now) : []),
  ]
}

function shareText({ bytes, quota }: Store): string {
  return typeof quota !== 'number' ? '' : ` of ${formatBytes(quota)} (${Math.round((bytes / quota) * 100)} %)`
}

function scrubFacts(scrub: NonNullable<Store['scrub']>, now: number): string[] {
  const { progress, lastEnded, blobs, bad, healed, lost, waiting } = scrub
  if (progress === null && lastEnded === null) return []
  const when =
    progress === null
      ? `ended ${formatSpan(now - (lastEnded ?? now))} ago`
      : `is ${Math.floor(progress * 100)} % through${lastEnded === null ? '' : `, the last one ended ${formatSpan(now - lastEnded)} ago`}`
  const found = bad === 0 ? 'all right' : `${bad} not right`
  const outcome = [
    ...(healed > 0 ? [`${healed} healed`] : []),
    ...(waiting > 0 ? [`${waiting} looked for at members`] : []),
    ...(lost > 0 ? [`${lost} that no member has`] : []),
  ]
  const rest = outcome.length > 0 ? `; since start ${outcome.join(', ')}` : ''
  return [`scrub ${when}: ${plural(blobs, 'blob')} read again, ${found}${rest}`]
}
