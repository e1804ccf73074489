import { readFileSync, writeFileSync } from 'node:fs'

/** Whether this system tells what a process uses. */
export const HAS_PROC = process.platform === 'linux'

/**
 * Sets the high-water mark of a process's resident memory back to what it holds now (proc_pid_clear_refs(5)), so that a later
 * `peakBytesOf` misses nothing, however short it lasted.
 */
export function resetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

/** Most resident memory since `resetPeak`, in bytes: anonymous, shared and mapped pages; not the page cache of what it reads and writes. */
export function peakBytesOf(pid: number): number {
  const kilobytes = /^VmHWM:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  if (kilobytes === undefined) throw new Error(`process ${pid} is gone, or this system has no /proc`)
  return Number(kilobytes) * 1024
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
