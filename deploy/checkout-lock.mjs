// One set-up of a checkout at a time: a folder that whoever sets up keeps touching. Built-ins only.
import { mkdirSync, rmdirSync, statSync, utimesSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'

/** Ms between two signs of life. */
const BEAT = 1_000
/** Ms without one after which the lock was left behind by a process that was killed. */
const STALE = 15_000

/** Takes the lock, waiting for whoever has it; `onWait` is called once when it has to. Resolves with what frees it. */
export async function takeLock(folder, { onWait, beat = BEAT, stale = STALE }) {
  for (let waited = 0; !made(folder); waited++) {
    if (waited === 0) onWait()
    const before = touchedAt(folder)
    // Watched over time of our own rather than compared with the clock: a laptop that slept must not count as a killed holder.
    if (!(await isAlive(folder, before, { beat, stale }))) free(folder)
  }
  const beating = setInterval(() => touch(folder), beat)
  return () => {
    clearInterval(beating)
    free(folder)
  }
}

function made(folder) {
  try {
    mkdirSync(folder)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

/** Resolves as soon as something changes, with true; with false when nothing does for as long as `stale` says. */
async function isAlive(folder, before, { beat, stale }) {
  for (let looks = Math.ceil(stale / beat); looks > 0; looks--) {
    if (before === undefined) return true
    await setTimeout(beat)
    if (touchedAt(folder) !== before) return true
  }
  return false
}

function touchedAt(folder) {
  return statSync(folder, { bigint: true, throwIfNoEntry: false })?.mtimeNs
}

function touch(folder) {
  try {
    const now = new Date()
    utimesSync(folder, now, now)
  } catch {
    // Taken away by hand; the installation goes on, and ends soon.
  }
}

function free(folder) {
  try {
    rmdirSync(folder)
  } catch {
    // Somebody else was faster.
  }
}
