import { readFileSync } from 'node:fs'
import type { Logger } from 'pino'
import type { Authorities } from './authorities.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config/schema.ts'
import { configuredHosts } from './configured-upstreams.ts'
import { reasonOf, WarrenError } from './errors.ts'
import type { CredentialEntry } from './upstream/credentials.ts'
import { readDockerConfig } from './upstream/docker-config.ts'
import { UndiciUpstream } from './upstream/undici-upstream.ts'
import { VERSION } from './version.ts'

interface UpstreamParts {
  readonly config: Config
  readonly authorities: Authorities
  readonly clock: Clock
  readonly log: Logger
}

/** The client that asks registries, with the logins of the configuration. Throws CONFIG_INVALID for a file that cannot be read. */
export function upstreamOf({ config, authorities, clock, log }: UpstreamParts, nodeId: string): UndiciUpstream {
  const { connectTimeout, headersTimeout, idleTimeout, concurrency, patience, ca } = config.upstream
  return new UndiciUpstream(
    { clock },
    {
      nodeId,
      version: VERSION,
      connectTimeout,
      headersTimeout,
      idleTimeout,
      concurrency,
      patience,
      ca: ca.map((path) => readNamed('upstream.ca', path)),
      caOf: (origin) => authorities.of(origin),
      env: process.env,
      credentials: [...(config.credentials ?? []), ...dockerLogins(config.dockerConfig, log)],
    },
  )
}

/** A login under another name than that of an upstream is for nobody: said at once, since its owner believes that it is used. */
export function warnOfIdleLogins({ credentials = [], mirrors }: Config, log: Logger): void {
  const hosts = configuredHosts(mirrors)
  const idle = new Set(credentials.map(({ origin }) => new URL(origin).host).filter((host) => !hosts.has(host)))
  for (const host of idle)
    log.warn(
      `credentials: no mirror asks ${host}; a login is named by the host that is asked, such as ${[...hosts][0] ?? 'ghcr.io'}`,
    )
}

function dockerLogins(path: string | undefined, log: Logger): readonly CredentialEntry[] {
  if (path === undefined) return []
  const { entries, warnings } = readDockerConfig(readNamed('dockerConfig', path), path)
  for (const warning of warnings) log.warn(warning)
  return entries
}

function readNamed(key: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new WarrenError('CONFIG_INVALID', `${key} names ${path}, which cannot be read: ${reasonOf(cause)}`, { cause })
  }
}
