import type { ArtifactView } from '../../../api/cache-schema.ts'
import * as format from '../../format.ts'
import { HealthBadge } from '../../parts/health.tsx'

interface WhereaboutsProps {
  readonly mesh: ArtifactView['mesh']
  readonly held: boolean
  readonly isPrivate: boolean
}

/** Who has an artifact, as far as this node knows. */
export function Whereabouts({ mesh: { members, coversAll, seeds }, held, isPrivate }: WhereaboutsProps) {
  return (
    <>
      <ul class="plain">
        <li>
          {held ? (
            <HealthBadge health="good" text="this node" />
          ) : (
            <HealthBadge health="idle" text="this node has the name only" />
          )}
          {isPrivate && ' – private: no other member gets it'}
        </li>
        {members.map(({ id, role, by, excluded }) => (
          <li key={id}>
            <HealthBadge health={excluded === null ? 'good' : 'warn'} text={role} />{' '}
            <code title={id}>{format.shortId(id)}</code>{' '}
            <span class="muted">{by === 'inventory' ? 'says so' : 'by the DHT'}</span>
            {excluded !== null && `, not asked now: ${excluded}`}
          </li>
        ))}
      </ul>
      <p class="muted">
        {members.length === 0 && 'No other member is known to have it. '}
        {coversAll && 'All members have told what they have.'}
        {seeds.length > 0 && ` Seeds that are asked for it: ${seeds.map(format.shortId).join(', ')}.`}
      </p>
    </>
  )
}
