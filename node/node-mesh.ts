import type { Logger } from 'pino'
import type { Clock } from './clock.ts'
import type { Config } from './config/schema.ts'
import type { Events } from './events.ts'
import { MemberDoor, type MemberService } from './http/member-door.ts'
import type { NodeEffects } from './ledger-effects.ts'
import type { MemberStats } from './member-stats.ts'
import { MeshSwitch } from './mesh/mesh-switch.ts'
import type { Answering } from './mesh/open-mesh.ts'
import type { Permanence } from './permanence/permanence.ts'
import type { Pins } from './pins/pins.ts'
import type { StoreShelf } from './store-shelf.ts'
import type { Membership } from './trust/membership.ts'
import { MeshFolder } from './trust/mesh-folder.ts'
import type { NodeKey } from './trust/node-key.ts'
import { VERSION } from './version.ts'

interface MeshParts {
  readonly config: Config
  readonly key: NodeKey
  readonly shelf: StoreShelf
  readonly pins: Pins
  readonly permanence: Permanence | undefined
  services(mesh: Pick<Answering, 'isSeed' | 'usable'>): readonly MemberService[]
  /** Not before all is built. */
  effects(): NodeEffects
  /** By what the seeds are chosen that a key belongs to. */
  home(key: string): string
  readonly events: Events
  readonly memberStats: MemberStats
  readonly clock: Clock
  readonly log: Logger
}

/** The mesh of a node, which it is in, or may join while it runs. */
export function meshOf({
  config,
  key,
  shelf,
  pins,
  permanence,
  services,
  effects,
  home,
  events,
  memberStats,
  clock,
  log,
}: MeshParts): MeshSwitch {
  const answering = ({ sent, ...mesh }: Answering) => {
    const door = new MemberDoor({
      services: services(mesh),
      purges: mesh.purges,
      events: {
        sent,
        answered: (prefix, status) => memberStats.answered(prefix, status),
        bug: (error, path) => events.bug(error, path),
      },
    })
    return (...asked: Parameters<MemberDoor['handle']>) => void door.handle(...asked)
  }
  const folder = new MeshFolder(config.data)
  const mesh: MeshSwitch = new MeshSwitch(
    {
      membership: () => folder.membership(),
      forget: () => {
        folder.leave()
        effects().left()
      },
      // A node that is in no mesh does not pay for what it takes to be in one: a quarter of a second and 50 MB.
      open: async (membership: Membership) =>
        (await import('./mesh/open-mesh.ts')).openMesh(
          { key, membership, shelf, pins, permanence, effects: effects(), home, clock, log, answering },
          { ...config.mesh, data: config.data, version: VERSION },
        ),
      log,
    },
    { self: key.peerId },
  )
  return mesh
}
