import { type Family, seconds, single } from './family.ts'

/** What a node keeps, on the disk and in memory. */
export const storeFamilies: readonly Family[] = [
  single('gauge', 'warren_store_blobs', 'Blobs in the store.', ({ store }) => store.blobs),
  single('gauge', 'warren_store_bytes', 'Bytes of all blobs in the store.', ({ store }) => store.bytes),
  single('gauge', 'warren_store_records', 'Name records in the store.', ({ store }) => store.records),
  single('gauge', 'warren_store_free_bytes', 'Bytes free on the file system of the store.', ({ store }) => store.free),
  single('gauge', 'warren_store_storing', 'Whether the store takes blobs.', ({ store }) => store.storing),
  single('gauge', 'warren_store_quota_bytes', 'Bytes that blobs may take, where that is bounded.', ({ store }) => store.quota),
  single(
    'counter',
    'warren_store_turned_away_total',
    'Blobs not stored for want of room.',
    ({ store }) => store.turnedAway?.blobs,
  ),
  single('counter', 'warren_store_turned_away_bytes_total', 'Bytes of these.', ({ store }) => store.turnedAway?.bytes),
  single('counter', 'warren_store_evicted_total', 'Blobs that made room for others.', ({ store }) => store.evicted?.blobs),
  single('counter', 'warren_store_evicted_bytes_total', 'Bytes of these.', ({ store }) => store.evicted?.bytes),
  single('gauge', 'warren_store_scrub_progress_ratio', 'Share of this scrub that is done; none between two.', ({ store }) => {
    return store.scrub?.progress
  }),
  single('gauge', 'warren_store_scrub_end_timestamp_seconds', 'When the last scrub ended.', ({ store }) =>
    typeof store.scrub?.lastEnded === 'number' ? seconds(store.scrub.lastEnded) : null,
  ),
  single(
    'gauge',
    'warren_store_scrub_blobs',
    'Blobs that this scrub, or the last one, looked at.',
    ({ store }) => store.scrub?.blobs,
  ),
  single('gauge', 'warren_store_scrub_bad_blobs', 'Those of them that were not right.', ({ store }) => store.scrub?.bad),
  single('counter', 'warren_store_healed_total', 'Bad blobs that members brought back.', ({ store }) => store.scrub?.healed),
  single('counter', 'warren_store_lost_total', 'Bad blobs that no member had.', ({ store }) => store.scrub?.lost),
  single('gauge', 'warren_store_healing', 'Bad blobs that are looked for at members.', ({ store }) => store.scrub?.waiting),
  single('gauge', 'warren_purges_running', 'Purges that still remove what they are about.', ({ purges }) => {
    return purges.filter(({ state }) => state === 'running').length
  }),
  single('gauge', 'warren_purges_in_trouble', 'Those of them that do not get on.', ({ purges }) => {
    return purges.filter(({ trouble }) => trouble !== null).length
  }),
  single('gauge', 'warren_memory_bytes', 'Bytes in the memory caches.', ({ memory }) => memory.bytes),
  single('gauge', 'warren_memory_limit_bytes', 'Bytes that these may take.', ({ memory }) => memory.limit),
]
