import { bytesOf, type Kit, makeCache } from './fixture.ts'
import { Hub, imageBytes, tagPlan } from './images.ts'

export const LAYER = bytesOf(100_000)
export const ONE = imageBytes({ type: 'image/one' }, [LAYER])
/** Another one with the same layer. */
export const TWO = imageBytes({ type: 'image/two' }, [LAYER])
export const TAG = tagPlan('a', 'latest')

/** A cache before a registry that has the first image under `TAG`. */
export function setUp(): { hub: Hub; kit: Kit } {
  const hub = new Hub()
  hub.publish('a', 'latest', ONE, [LAYER])
  return { hub, kit: makeCache({ script: hub.script }) }
}
