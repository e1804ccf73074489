import { systemClock } from '../../node/clock.ts'
import type { Shelf } from '../../node/mesh/shelf.ts'
import { Handout } from '../../node/mesh/swarm/handout.ts'
import { Uploads } from '../../node/mesh/swarm/uploads.ts'

/** Hands out what is kept, to anybody who asks. */
export function handoutOf(open: Shelf['open'], partial: Shelf['partial'] = () => undefined): Handout {
  const uploads = new Uploads({ clock: systemClock, usable: () => true }, { slots: 8, fanOut: () => 8 })
  return new Handout({ shelf: { open, partial }, uploads, clock: systemClock })
}
