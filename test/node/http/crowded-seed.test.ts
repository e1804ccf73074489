import { expect, it } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import { Crowded } from '../../../node/upstream/crowded.ts'
import { useCacheTests } from '../cache/fixture.ts'
import { artifact, document } from '../cache/plans.ts'
import { fetchingSeed } from './fetching-seed.ts'

useCacheTests()

it.each([
  ['only at itself, so that they go on without it', new Crowded('sixteen large ones', 5), 503, 'UPSTREAM_TIMEOUT'],
  [
    'since upstream wants a pause, so that all leave it alone',
    new WarrenError('UPSTREAM_BUSY', 'slow down'),
    429,
    'UPSTREAM_BUSY',
  ],
] as const)('a seed tells members that there is a crowd %s', async (_, trouble, status, code) => {
  const script = () => {
    throw trouble
  }
  const plans = [artifact('file'), document('index')]
  const { ask, clock } = await fetchingSeed({ script }, plans, 1 << 20)
  for (const plan of plans) {
    const asking = ask(plan)
    await clock.advance(60_000)
    const answer = await asking
    expect([answer.status, answer.headers.get('x-warren-error')]).toEqual([status, code])
  }
})
