import { readFileSync } from 'node:fs'
import type { MirrorConfig } from './config/schema.ts'
import { reasonOf, WarrenError } from './errors.ts'

/** The certificate authorities that single upstreams have for themselves, by origin. Replaced when mirrors change. */
export class Authorities {
  #byOrigin: ReadonlyMap<string, readonly string[]>

  /** Throws CONFIG_INVALID for a file that cannot be read. */
  constructor(mirrors: readonly MirrorConfig[]) {
    this.#byOrigin = read(mirrors)
  }

  /** What the files hold now. Throws CONFIG_INVALID, and then all stays as it was. */
  replace(mirrors: readonly MirrorConfig[]): void {
    this.#byOrigin = read(mirrors)
  }

  /** Certificates (PEM). */
  of(origin: string): readonly string[] {
    return this.#byOrigin.get(origin) ?? []
  }
}

function read(mirrors: readonly MirrorConfig[]): Map<string, string[]> {
  const byOrigin = new Map<string, string[]>()
  for (const { name, authorities = [] } of mirrors) {
    for (const { origin, file } of authorities) {
      const known = byOrigin.get(origin) ?? []
      const pem = textOf(file, `mirrors.${name}`)
      byOrigin.set(origin, known.includes(pem) ? known : [...known, pem])
    }
  }
  return byOrigin
}

function textOf(file: string, key: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new WarrenError('CONFIG_INVALID', `${key} names ${file}, which cannot be read: ${reasonOf(cause)}`, { cause })
  }
}
