import type { Platform } from '../images/platform.ts'

/** What a file of a Python project is, by its name. */
export interface PythonFile {
  readonly version: string
  /** Platform tags; undefined for a source archive. */
  readonly platforms: readonly string[] | undefined
}

/** Names that platform tags have for the architectures of images, by system. */
const MACHINES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  linux: {
    amd64: ['x86_64'],
    '386': ['i686', 'i386'],
    arm64: ['aarch64'],
    ppc64le: ['ppc64le'],
    s390x: ['s390x'],
    riscv64: ['riscv64'],
    loong64: ['loongarch64'],
  },
  darwin: { amd64: ['x86_64', 'universal2', 'intel', 'universal', 'fat64'], arm64: ['arm64', 'universal2'] },
  windows: { amd64: ['win_amd64'], '386': ['win32'], arm64: ['win_arm64'] },
}

/** Reads a file's name (binary distribution format, «File name convention»; PEP 625 and what was before it). */
export function parsePythonFile(name: string, project: string): PythonFile | undefined {
  if (name.endsWith('.whl')) {
    const parts = name.slice(0, -'.whl'.length).split('-')
    const [, version] = parts
    if (version === undefined || parts.length < 5 || parts.length > 6) return undefined
    return { version, platforms: parts.at(-1)?.split('.') ?? [] }
  }
  const bare = /^(.*)\.(?:tar\.(?:gz|bz2|xz|Z)|tgz|zip)$/.exec(name)?.[1]
  // Older names have dashes of their own: the project's name says where the version begins.
  const dash = bare === undefined ? -1 : dashAfter(bare, project)
  return bare === undefined || dash < 0 ? undefined : { version: bare.slice(dash + 1), platforms: undefined }
}

function dashAfter(bare: string, project: string): number {
  for (let at = bare.indexOf('-'); at >= 0; at = bare.indexOf('-', at + 1)) {
    if (
      bare
        .slice(0, at)
        .toLowerCase()
        .replace(/[-_.]+/g, '-') === project
    )
      return at
  }
  return -1
}

/** Whether a wheel with these platform tags runs on a machine, with some Python. */
export function wheelRunsOn(tags: readonly string[], platform: Platform): boolean {
  return tags.some((tag) => tag === 'any' || tagFits(tag, platform))
}

function tagFits(tag: string, { os, architecture, variant }: Platform): boolean {
  if (os === 'linux') {
    const [, machine] = /^(?:linux|manylinux(?:1|2010|2014|_\d+_\d+)|musllinux_\d+_\d+)_(.+)$/.exec(tag) ?? []
    if (architecture === 'arm') return machine === `arm${variant}l`
    return machine !== undefined && (MACHINES.linux?.[architecture] ?? []).includes(machine)
  }
  const names = MACHINES[os]?.[architecture] ?? []
  if (os === 'windows') return names.includes(tag)
  const [, machine] = /^macosx_\d+_\d+_(.+)$/.exec(tag) ?? []
  return os === 'darwin' && machine !== undefined && names.includes(machine)
}
