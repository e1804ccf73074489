/** Path of a mirror in the admin API. */
export function mirrorPath(name: string): string {
  return `/admin/v1/mirrors/${encodeURIComponent(name)}`
}
