import type { ClientMirror } from './mirror.ts'

/** Where a mirror of images is for clients that put `/v2/` behind it themselves. */
export function baseOf({ url }: ClientMirror): string {
  return url.replace(/\/v2\/$/, '')
}

/** Registries that clients name, each with its mirror; those of any registry are left out. */
export function registriesOf(mirrors: readonly ClientMirror[]): { readonly registry: string; readonly mirror: ClientMirror }[] {
  return mirrors.flatMap((mirror) => {
    const { registry } = mirror
    return registry === undefined || registry === '*' ? [] : [{ registry, mirror }]
  })
}
