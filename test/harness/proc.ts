import { readFileSync } from 'node:fs'

/** Clock ticks a second in /proc: the kernel reports in this unit on every architecture that Node runs on (USER_HZ). */
const TICKS_A_SECOND = 100

/** Resident memory of a process in bytes; undefined without /proc, or when the process is gone. */
export function residentBytesOf(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1024
}

/** User and system time of a process in seconds; undefined without /proc, or when the process is gone. */
export function cpuSecondsOf(pid: number): number | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The second field is the program's name, which may hold blanks and brackets (proc_pid_stat(5)); utime is the 14th.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}

/** CPU time of a process and its children in seconds, ended children apart; undefined without /proc. */
export function cpuSecondsOfTree(pid: number): number | undefined {
  const own = cpuSecondsOf(pid)
  const children = read(`/proc/${pid}/task/${pid}/children`)?.trim().split(' ') ?? []
  return own === undefined
    ? undefined
    : children.reduce((sum, child) => sum + ((child && cpuSecondsOfTree(Number(child))) || 0), own)
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
