import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** State of a listening socket in /proc/net/tcp (Linux, include/net/tcp_states.h). */
const LISTEN = '0A'

/** Open file descriptors and what they are; empty where the system has no /proc. */
export function openDescriptors(): Map<string, string> {
  const open = new Map<string, string>()
  for (const descriptor of list('/proc/self/fd')) {
    try {
      open.set(descriptor, readlinkSync(`/proc/self/fd/${descriptor}`))
    } catch {
      // The descriptor with which the folder was listed is closed by now.
    }
  }
  return open
}

/** Says more of a descriptor than `socket:[123]`: addresses and whether it listens, where the kernel tells. */
export function describeDescriptor(target: string): string {
  const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1]
  if (inode === undefined) return target
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of read(table).split('\n').slice(1)) {
      const [, local = '', remote = '', state, , , , , , found] = line.trim().split(/\s+/)
      if (found !== inode) continue
      return state === LISTEN ? `server on port ${port(local)}` : `socket from port ${port(local)} to port ${port(remote)}`
    }
  }
  return target
}

function port(address: string): number {
  return Number.parseInt(address.slice(address.lastIndexOf(':') + 1), 16)
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
