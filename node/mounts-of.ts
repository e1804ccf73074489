import { protocols } from '../protocols/index.ts'
import type { MirrorConfig } from './config/schema.ts'
import { WarrenError } from './errors.ts'
import { type Mounted, Mounts } from './http/mounts.ts'

/** The mirrors of a configuration, each with its grammar. Throws CONFIG_INVALID for a protocol that does not exist. */
export function mountsOf(mirrors: readonly MirrorConfig[]): Mounts {
  return new Mounts(
    mirrors.map(({ protocol: name, local: _local, authorities: _authorities, ...mirror }): Mounted => {
      const protocol = protocols.find((one) => one.name === name)
      if (protocol) return { mirror, protocol }
      throw new WarrenError(
        'CONFIG_INVALID',
        `mirror «${mirror.name}»: there is no protocol «${name}», only ${protocols.map((one) => one.name).join(', ')}`,
      )
    }),
  )
}
