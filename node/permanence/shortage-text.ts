import type { Shortage } from '../store/room.ts'
import type { Obstacle } from './evictor.ts'

/** Why nothing more is stored, for people. */
export function shortageText(
  shortage: Shortage,
  node: { readonly isSeed: boolean; readonly obstacle: Obstacle | null },
): string {
  const text = `nothing more is stored: ${reasonText(shortage, node.obstacle)}`
  return node.isSeed ? `${text}; this is a seed, so that what comes now may be kept nowhere` : text
}

/** That so many blobs were handed out and not kept, for people. */
export function turnedAwayText(blobs: number): string {
  return `${blobs === 1 ? 'a blob was' : `${blobs} blobs were`} not stored: there is no room of that size within store.minFree and store.quota`
}

function reasonText(shortage: Shortage, obstacle: Obstacle | null): string {
  if (shortage === 'disk') return 'the disk is fuller than store.minFree allows'
  if (obstacle === 'no seed') return 'store.quota is reached, and no seed answers that could say what may be evicted'
  if (obstacle === 'nothing confirmed') return 'store.quota is reached, and no seed holds what would have to be evicted'
  return 'store.quota is reached'
}
