/** Docker Hub as image names have it. */
export const DOCKER_HUB = 'docker.io'

/** Where its registry answers. */
export const DOCKER_HUB_HOST = 'registry-1.docker.io'

const NAMES: ReadonlySet<string> = new Set([DOCKER_HUB, DOCKER_HUB_HOST, 'index.docker.io'])

/** Whether a host in lower case is Docker Hub: old clients know it by a third name. */
export function isDockerHub(host: string): boolean {
  return NAMES.has(host)
}
