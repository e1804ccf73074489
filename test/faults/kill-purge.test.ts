import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { cleanEnv } from '../harness/child-process.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { bytesAt, keyOf, openPurged } from '../harness/purged-data.ts'
import { Random } from '../harness/random.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { checkStore } from '../harness/whole-store.ts'

const CHILD = fileURLToPath(new URL('../harness/child/purging-store.ts', import.meta.url))
const ALL = 1_500
const KILLS = 4
/** Ms between the moment from which a purge counts and the kill. */
const LATEST_KILL = 120

useLeakCheck()
const temp = useTempFolders()

it.each(['half', 'all'])(
  `a purge of %s that is killed ${KILLS} times counts from the next start on, comes to its end, and leaves the rest whole`,
  { timeout: 300_000 },
  async (what) => {
    const random = new Random(20_261_129)
    for (let round = 0; round < KILLS; round++) {
      const data = temp.path('data')
      const child = spawn(process.execPath, [CHILD, data, what], { env: cleanEnv(), stdio: ['ignore', 'pipe', 'inherit'] })
      try {
        await once(child.stdout, 'data')
        await sleep(random.between(0, LATEST_KILL))
      } finally {
        child.kill('SIGKILL')
        await once(child, 'close')
      }
      const { store, purger, close } = await openPurged(data)
      const isKept = (at: number) => what === 'half' && at % 2 === 1
      for (let at = 0; at < ALL; at++) expect(store.records.get(keyOf(at)) !== undefined).toBe(isKept(at))
      purger.start()
      await eventually('the purge ends', () => purger.run('one')?.state === 'done')
      for (let at = 0; at < ALL; at++) {
        const record = store.records.get(keyOf(at))
        expect(record !== undefined).toBe(isKept(at))
        if (record) (await store.blobs.open(record.blob))?.close()
      }
      const kept = new Set(
        Array.from({ length: ALL }, (_, at) => at)
          .filter(isKept)
          .map((at) => bytesAt(at).toString()),
      )
      expect(await store.status()).toMatchObject({ blobs: kept.size })
      await close()
      expect(await checkStore(join(data, 'store'))).toBe(kept.size)
    }
  },
)
