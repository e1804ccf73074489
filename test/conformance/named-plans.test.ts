import { describe, expect, it, onTestFinished } from 'vitest'
import { type Plan, parseKey } from '../../node/cache/plan.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { checkPlans, mirrorOf, walk } from './named-plans.ts'
import { WORLDS } from './planned-worlds.ts'

useLeakCheck()

/** What no key tells, since two plans have it. */
function forgotten({ ecosystem, kind, document, digests, responseHeaders }: Plan): Partial<Plan> {
  // Its bytes tell, where no other document did.
  if (ecosystem === 'oci' && document && digests) return { responseHeaders: { ...responseHeaders, 'content-type': 'any' } }
  // Clients never ask again for the checksum of what never changes; who verifies may have to.
  if (ecosystem === 'maven' && document && kind === 'immutable')
    return { kind: 'mutable', lifetime: { floor: 1, cap: 1 }, negative: 1 }
  return {}
}

describe.each(WORLDS)('of %s', (_, start) => {
  it.each(['alone', 'second', 'bound'] as const)(
    'all that is ever asked for is planned anew of its key alone: %s',
    async (place) => {
      const world = await start()
      onTestFinished(() => world.stop())
      const mirror = mirrorOf(world, place)
      const plans = await walk(world, mirror)
      const named = plans.flatMap(({ key }) => parseKey(key) ?? [])
      expect(named.map(({ path, variant }) => `${path} ${variant}`)).toEqual(expect.arrayContaining([...world.reached]))
      checkPlans(plans, world, mirror, forgotten)
    },
  )
})
