import { DOCKER_HUB_HOST, isDockerHub } from './docker-hub.ts'
import { isLoopback } from './tcp-address.ts'

/** What Docker writes behind a registry's name in the keys of its `config.json`. */
const PATHS = new Set(['/', '/v1', '/v1/', '/v2', '/v2/'])

/**
 * The origins that a registry's name stands for, such as `ghcr.io`, `localhost:5000` or `https://index.docker.io/v1/`; none for
 * what is no such name. Without a scheme it is https; on this machine http as well, as Docker has it.
 */
export function registryOrigins(name: string): string[] {
  const written = /^https?:\/\//i.test(name)
  const url = URL.parse(written ? name : `https://${name}`)
  if (!url || url.hostname === '' || !PATHS.has(url.pathname) || /[@?#\s\\]/.test(name)) return []
  if (isDockerHub(url.host)) return [`https://${DOCKER_HUB_HOST}`]
  return written || !isLoopback({ host: url.hostname.replace(/^\[|\]$/g, '') })
    ? [url.origin]
    : [url.origin, `http://${url.host}`]
}
