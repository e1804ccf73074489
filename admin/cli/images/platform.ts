import { UsageError } from '../exit-codes.ts'

/** OCI image specification, «Image Index». */
export interface Platform {
  readonly os: string
  readonly architecture: string
  /** `v7` and the like; '' where it makes no difference. */
  readonly variant: string
}

const PART = /^[a-z0-9_.-]+$/
const SYSTEMS: Readonly<Record<string, string>> = { macos: 'darwin' }
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  x64: 'amd64',
  i386: '386',
  ia32: '386',
  x86: '386',
  aarch64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
  mipsel: 'mipsle',
  // Node does not tell the byte order, and images are only made for this one.
  ppc64: 'ppc64le',
}
/** What an architecture without a variant means. */
const BASE_VARIANTS: Readonly<Record<string, number>> = { arm64: 8, arm: 7, amd64: 1 }

/** Reads `os/architecture[/variant]`. Throws UsageError. */
export function parsePlatform(text: string): Platform {
  const [os = '', architecture = '', variant = '', ...more] = text.toLowerCase().split('/')
  const wrong =
    more.length > 0 || ![os, architecture].every((part) => PART.test(part)) || (variant !== '' && !PART.test(variant))
  if (wrong || text.endsWith('/'))
    throw new UsageError(`${JSON.stringify(text)} is no platform; give os/architecture[/variant] such as linux/arm64`)
  return platformOf(os, architecture, variant)
}

/** In one spelling, whatever an index or a person calls it; the words are those of Go, as in images. */
export function platformOf(os: string, architecture: string, variant = ''): Platform {
  const given = architecture === 'armel' && variant === '' ? 'v6' : variant
  const known = ARCHITECTURES[architecture] ?? architecture
  return { os: SYSTEMS[os] ?? os, architecture: known, variant: canonicalVariant(known, given) }
}

/** The platform of images that this machine runs: on other systems they run in a Linux, too. */
export function ownPlatform(arch: string = process.arch, variables: object = process.config.variables): Platform {
  // What Node was made for is what the machine has at least.
  const version = 'arm_version' in variables ? String(variables.arm_version) : ''
  return platformOf('linux', arch, arch === 'arm' ? version : '')
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === '' ? [] : [variant])].join('/')
}

/**
 * The best of those that run on a platform: its own variant, else the next older one. An older variant never is what runs a
 * newer one. Undefined where none does.
 */
export function choosePlatform<T extends { readonly platform: Platform }>(
  offers: readonly T[],
  wanted: Platform,
): T | undefined {
  const fit = offers.filter(({ platform }) => runsOn(platform, wanted))
  // The first of equals, as clients do.
  return fit.reduce<T | undefined>((best, one) => {
    return best && level(best.platform) >= level(one.platform) ? best : one
  }, undefined)
}

/** Whether an image for one platform runs on another. */
export function runsOn(image: Platform, machine: Platform): boolean {
  if (image.os !== machine.os || image.architecture !== machine.architecture) return false
  if (image.variant === machine.variant) return true
  const [needed, has] = [level(image), level(machine)]
  return needed > 0 && has > 0 && needed <= has
}

/** Number of a variant, such as 7 for arm/v7; 0 where it is none that can be compared. */
function level({ architecture, variant }: Platform): number {
  if (variant === '') return BASE_VARIANTS[architecture] ?? 0
  return /^v\d+(?:\.\d+)?$/.test(variant) ? Number(variant.slice(1)) : 0
}

function canonicalVariant(architecture: string, variant: string): string {
  const base = BASE_VARIANTS[architecture]
  const named = base !== undefined && /^\d/.test(variant) ? `v${variant}` : variant
  if (architecture === 'arm') return named === '' ? 'v7' : named
  return base !== undefined && named === `v${base}` ? '' : named
}
