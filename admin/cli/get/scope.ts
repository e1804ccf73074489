import type { Platform } from '../images/platform.ts'
import { ownPlatform, platformOf } from '../images/platform.ts'
import type { Wanted } from './wanted.ts'

/** The names that Node has for architectures of images, as `cpu` in package.json has them. */
const CPUS: Readonly<Record<string, string>> = { amd64: 'x64', '386': 'ia32', ppc64le: 'ppc64', mipsle: 'mipsel' }
const SYSTEMS: Readonly<Record<string, string>> = { windows: 'win32' }

/** The platform that packages are installed on here: of this machine itself, while images run in a Linux everywhere. */
export function machinePlatform(system: string = process.platform): Platform {
  const { architecture, variant } = ownPlatform()
  return platformOf(system === 'win32' ? 'windows' : system, architecture, variant)
}

/** Whether npm would install it on one of the machines: its lockfiles have the packages for all of them. */
export function isForPlatforms(wanted: Wanted, platforms: readonly Platform[] | 'all'): boolean {
  if (wanted.type !== 'npm' || platforms === 'all') return true
  const { os, cpu } = wanted
  return platforms.some(
    (platform) =>
      allows(os, SYSTEMS[platform.os] ?? platform.os) && allows(cpu, CPUS[platform.architecture] ?? platform.architecture),
  )
}

/** A list of what is allowed, or with `!` of what is not (npm docs, «package.json», os). */
function allows(list: readonly string[] | undefined, name: string): boolean {
  if (list === undefined || list.length === 0 || (list.length === 1 && list[0] === 'any')) return true
  if (list.includes(`!${name}`)) return false
  const named = list.filter((one) => !one.startsWith('!'))
  return named.length === 0 || named.includes(name)
}
