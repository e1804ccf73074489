interface ClientOf {
  readonly protocol: string
  readonly registry?: string
}

/** What the usual client of a protocol is told, to come to a mirror. */
const ONE_LINERS: Readonly<Record<string, (url: string, registry: string) => string>> = {
  npm: (url) => `npm config set registry ${url}`,
  // A port within a name is no name to Docker, and the registry of none is anybody's.
  oci: (url, registry) => (/[*:]/.test(registry) ? '' : `docker pull ${new URL(url).host}/${registry}/…`),
  pypi: (url) => `pip config set global.index-url ${url}simple/`,
  go: (url) => `go env -w GOPROXY=${url},direct`,
  cargo: (url) =>
    `cargo --config 'source.crates-io.replace-with="warren"' --config 'source.warren.registry="sparse+${url}"' fetch`,
  maven: (url) => `in ~/.m2/settings.xml: <mirror><id>warren</id><mirrorOf>central</mirrorOf><url>${url}</url></mirror>`,
}

/** Empty when the protocol has no such line. */
export function clientLine({ protocol, registry = '' }: ClientOf, url: string): string {
  return ONE_LINERS[protocol]?.(url, registry) ?? ''
}
