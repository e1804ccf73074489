import type { Fault, MemoryMesh } from '../../../node/mesh/memory-mesh.ts'
import type { Kit } from './fixture.ts'
import { digestOf } from './plans.ts'

/** A member of the kit's mesh that holds these bytes, or says so. */
export function member(
  kit: Kit,
  id: string,
  claimed: Buffer,
  { kind = 'peer', fault = {}, sends = claimed }: { kind?: 'peer' | 'seed'; fault?: Fault; sends?: Buffer } = {},
): MemoryMesh {
  const joined = kit.network.join({ id, kind })
  joined.fault = fault
  joined.hold(digestOf(claimed), sends)
  return joined
}
