import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll } from 'vitest'
import { describeDescriptor, openDescriptors } from './descriptors.ts'
import { leftOverFolders } from './temp.ts'
import { TimerWatch } from './timers.ts'

/** Closing takes a few turns of the event loop, and a killed child a moment; what is still there after this is a leak. */
const PATIENCE_MS = 3000
const STEP_MS = 25

/**
 * What a test must not leave behind, by the names of process.getActiveResourcesInfo(). Pipes and message ports are the test
 * runner's own channels; a leaked child process shows as itself; timers are watched one by one.
 */
const WATCHED = new Set([
  'FSEventWrap',
  'HTTPClientRequest',
  'ProcessWrap',
  'StatWatcher',
  'TCPConnectWrap',
  'TCPServerWrap',
  'TCPSocketWrap',
  'TLSWrap',
  'UDPWrap',
  'Worker',
])

/** Descriptors that come and go with the runtime and the test runner. */
const RUNTIME = /^(?:pipe:|anon_inode:|\/dev\/|\/proc\/)|\/node_modules\//

interface Snapshot {
  readonly resources: ReadonlyMap<string, number>
  readonly descriptors: ReadonlyMap<string, string>
  readonly folders: ReadonlySet<string>
}

/** Compares what is open with what was open when it was made. */
export class LeakCheck {
  readonly #before: Snapshot
  readonly #timers = new TimerWatch()

  private constructor(before: Snapshot) {
    this.#before = before
  }

  static async begin(): Promise<LeakCheck> {
    return new LeakCheck(await snapshot())
  }

  /** What is open that was not; waits for what is just closing. */
  async leaks(patienceMs = PATIENCE_MS): Promise<string[]> {
    for (let waited = 0; ; waited += STEP_MS) {
      const found = compare(this.#before, await snapshot())
      found.push(...this.#timers.running().map((origin) => `timer made by ${origin}`))
      if (found.length === 0 || waited >= patienceMs) return found
      await setTimeout(STEP_MS)
    }
  }

  /** Rejects with a list of what leaked. */
  async verify(patienceMs = PATIENCE_MS): Promise<void> {
    const found = await this.leaks(patienceMs)
    if (found.length > 0) throw new Error(`left open:\n  ${found.join('\n  ')}`)
  }

  /** Stops watching; idempotent. */
  end(): void {
    this.#timers.end()
  }
}

/** Fails a test file that leaves something open. Call it at the top of the file, so that its hook runs last. */
export function useLeakCheck(): void {
  let check: LeakCheck | undefined
  beforeAll(async () => {
    check = await LeakCheck.begin()
  })
  afterAll(async () => {
    await check?.verify().finally(() => check?.end())
  })
}

async function snapshot(): Promise<Snapshot> {
  // What was just closed is told a turn later.
  await new Promise<void>((resolve) => setImmediate(resolve))
  const resources = new Map<string, number>()
  for (const name of process.getActiveResourcesInfo()) {
    if (WATCHED.has(name)) resources.set(name, (resources.get(name) ?? 0) + 1)
  }
  return { resources, descriptors: openDescriptors(), folders: new Set(leftOverFolders()) }
}

function compare(before: Snapshot, after: Snapshot): string[] {
  const found: string[] = []
  for (const [name, count] of after.resources) {
    const more = count - (before.resources.get(name) ?? 0)
    if (more > 0) found.push(`${more} × ${name}`)
  }
  for (const [descriptor, target] of after.descriptors) {
    if (before.descriptors.get(descriptor) === target || RUNTIME.test(target)) continue
    found.push(`descriptor ${descriptor}: ${describeDescriptor(target)}`)
  }
  for (const folder of after.folders) {
    if (!before.folders.has(folder)) found.push(`temporary folder ${folder}`)
  }
  return found
}
