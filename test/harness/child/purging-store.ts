/**
 * A store that is filled and then purged of half of what is in it, or of everything, until it is killed. Arguments: its data folder,
 * whether everything is meant. Prints a line once the purge counts.
 */
import type { PurgeScope } from '../../../node/purge/scope.ts'
import { openPurged, PURGED, put } from '../purged-data.ts'

const [data = '', everything] = process.argv.slice(2)
const { store, purger } = await openPurged(data)
for (let at = 0; at < 1_500; at += 100) {
  await Promise.all(Array.from({ length: 100 }, (_, i) => put(store, at + i)))
}
const scope: PurgeScope = everything === 'all' ? { kind: 'all' } : PURGED
await purger.apply('one', [scope])
console.log('purged')
setInterval(() => {}, 1_000)
