import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { cleanEnv } from '../harness/child-process.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { useTempFolders } from '../harness/temp.ts'
import { eventually } from '../harness/wait.ts'
import { checkStore } from '../harness/whole-store.ts'
import { useDiskStores } from '../node/store/fixture.ts'

const CHILD = fileURLToPath(new URL('../harness/child/evicting-store.ts', import.meta.url))
const KILLS = 12
const QUOTA = 600_000
/** Ms between the first eviction and the kill. */
const LATEST_KILL = 250

useLeakCheck()
const temp = useTempFolders()
const open = useDiskStores()

it(`a store that is killed ${KILLS} times amid eviction has every blob that its index names, and loses the rest at its start`, {
  timeout: 300_000,
}, async () => {
  const random = new Random(20_261_130)
  const folder = temp.path('store')
  let kept = 0
  for (let round = 0; round < KILLS; round++) {
    const child = spawn(process.execPath, [CHILD, folder, String(round), String(QUOTA)], {
      env: cleanEnv(),
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      await once(child.stdout, 'data')
      await sleep(random.between(0, LATEST_KILL))
    } finally {
      child.kill('SIGKILL')
      await once(child, 'close')
    }
    kept += await checkStore(folder)
  }
  expect(kept).toBeGreaterThan(0)

  const { store, troubles } = await open({ folder })
  const { blobs, bytes, records } = await store.status()
  expect(bytes).toBeLessThanOrEqual(QUOTA)
  const files = () =>
    readdirSync(join(folder, 'blobs'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length
  await eventually('what nothing names is removed', () => files() === blobs, 60_000)
  // Names of artifacts outlive them, those of documents do not.
  let documents = 0
  let named = 0
  for await (const [, { blob, freshFor }] of store.records.entries('')) {
    named++
    if (freshFor === null) continue
    documents++
    expect(store.blobs.find({ algorithm: 'sha256', hex: blob })).toBe(blob)
  }
  expect(named).toBe(records)
  expect(documents).toBeGreaterThan(0)
  expect(troubles).toEqual([])
})
