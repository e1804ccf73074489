import type { Clock } from './clock.ts'
import type { Config } from './config/schema.ts'
import { BatchService } from './http/batch-service.ts'
import { BlobService } from './http/blob-service.ts'
import { ChunkService } from './http/chunk-service.ts'
import type { MemberService } from './http/member-door.ts'
import type { Sender } from './http/sender.ts'
import type { Answering } from './mesh/open-mesh.ts'
import type { Shelf } from './mesh/shelf.ts'
import { ChunkLists } from './mesh/swarm/chunk-lists.ts'
import { MEMBER_FAN_OUT, SEED_FAN_OUT } from './mesh/swarm/constants.ts'
import { Handout } from './mesh/swarm/handout.ts'
import { UploadRate } from './mesh/swarm/upload-rate.ts'
import { Uploads } from './mesh/swarm/uploads.ts'
import { SpareBuffers } from './spare-buffers.ts'

/** Bytes of memory that is kept for the next answers of small blobs: what some members that install something are owed at a time. */
const SPARE_BYTES = 4 << 20

export interface MemberServicesComponents {
  readonly shelf: Shelf
  readonly sender: Sender
  readonly clock: Clock
}

/** What members get from a node over the data plane, for as long as it is in a mesh. */
export function memberServices(
  { shelf, sender, clock }: MemberServicesComponents,
  { isSeed, usable }: Pick<Answering, 'isSeed' | 'usable'>,
  { uploads: slots, uploadRate }: Pick<Config['mesh'], 'uploads' | 'uploadRate'>,
): MemberService[] {
  const uploads = new Uploads({ clock, usable }, { slots, fanOut: () => (isSeed() ? SEED_FAN_OUT : MEMBER_FAN_OUT) })
  const rate = uploadRate === undefined ? undefined : new UploadRate({ clock }, { rate: uploadRate })
  return [
    new BlobService({ handout: new Handout({ shelf, uploads, clock, rate }), sender }),
    new BatchService({ shelf, clock, memory: new SpareBuffers({ maxBytes: SPARE_BYTES }) }),
    new ChunkService({ lists: new ChunkLists({ shelf, clock }), isSeed }),
  ]
}
