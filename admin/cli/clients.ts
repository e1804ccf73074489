/** The one line that points the usual client of a protocol at a mirror. */
const ONE_LINERS: Readonly<Record<string, (url: string) => string>> = {
  npm: (url) => `npm config set registry ${url}`,
}

/** Empty when the protocol has no such line. */
export function clientLine(protocol: string, url: string): string {
  return ONE_LINERS[protocol]?.(url) ?? ''
}
