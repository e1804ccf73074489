interface ClientOf {
  readonly protocol: string
  readonly registry?: string
}

interface Told {
  readonly url: string
  readonly registry: string
  /** How the command is called here. */
  readonly warren: string
}

/** What the usual client of a protocol is told, to come to a mirror; where that takes more than a line, what shows it. */
const ONE_LINERS: Readonly<Record<string, (told: Told) => string>> = {
  npm: ({ url }) => `npm config set registry ${url}`,
  // A port within a name is no name to Docker, and the registry of none is anybody's.
  oci: ({ url, registry }) => (/[*:]/.test(registry) ? '' : `docker pull ${new URL(url).host}/${registry}/…`),
  pypi: ({ url }) => `pip config set global.index-url ${url}simple/`,
  go: ({ url }) => `go env -w GOPROXY=${url},direct`,
  cargo: ({ warren }) => `${warren} setup cargo`,
  maven: ({ warren }) => `${warren} setup maven`,
}

/** Empty when the protocol has no such line. */
export function clientLine({ protocol, registry = '' }: ClientOf, { url, warren }: Omit<Told, 'registry'>): string {
  return ONE_LINERS[protocol]?.({ url, registry, warren }) ?? ''
}
