import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnv, type Run, run } from './child-process.ts'
import { DEAD_END, NOTHING_OUTSIDE } from './dead-end.ts'
import { succeeded } from './npm.ts'

const TIMEOUT_MS = 120_000
/** The real skopeo with a home, settings and caches of its own. */
export class Skopeo {
  readonly #program: string
  readonly #work: string

  /**
   * @param work an empty folder that belongs to it
   * @param mirrors where to look for images of a registry, `host:port/path` by registry: `{ 'quay.io': '127.0.0.1:5000/quay.io' }`.
   *   When a mirror fails it goes on to a dead end instead of the registry itself, so that nothing leaves this machine.
   */
  constructor(program: string, work: string, mirrors: Readonly<Record<string, string>> = {}) {
    this.#program = program
    this.#work = work
    for (const folder of ['home', 'tmp', 'registries.d']) mkdirSync(join(work, folder), { recursive: true })
    const registries = Object.entries(mirrors).map(([registry, mirror]) => registryConfig(registry, mirror))
    writeFileSync(this.#registriesConf, `unqualified-search-registries = []\n${registries.join('')}`)
  }

  get #registriesConf(): string {
    return join(this.#work, 'registries.conf')
  }

  /** `skopeo copy`: `copy('docker://docker.io/library/x:latest', 'oci:/folder:latest', '--all')`. */
  async copy(source: string, target: string, ...options: string[]): Promise<void> {
    succeeded(await this.run('copy', '--dest-tls-verify=false', ...options, source, target))
  }

  /** The manifest as it came, byte by byte but for the encoding of the output. */
  async manifest(source: string, ...options: string[]): Promise<string> {
    return succeeded(await this.run('inspect', '--raw', ...options, source)).stdout
  }

  /** @param repository `host:port/name`: this command knows no mirrors */
  async tags(repository: string): Promise<string[]> {
    return JSON.parse(succeeded(await this.run('list-tags', '--tls-verify=false', `docker://${repository}`)).stdout).Tags
  }

  /** Any command, whatever becomes of it. */
  run(...args: string[]): Promise<Run> {
    const home = join(this.#work, 'home')
    // As root it would keep where it saw which blob under /var/lib, for whoever uses the machine; a user's lies in his home.
    const env = { HOME: home, XDG_RUNTIME_DIR: home, _CONTAINERS_ROOTLESS_UID: '1000' }
    // The variable CONTAINERS_REGISTRIES_CONF is not known to every version.
    const own = [
      '--insecure-policy',
      '--registries-conf',
      this.#registriesConf,
      '--registries.d',
      join(this.#work, 'registries.d'),
      '--tmpdir',
      join(this.#work, 'tmp'),
    ]
    return run([this.#program, ...own, ...args], {
      cwd: this.#work,
      env: cleanEnv({ ...NOTHING_OUTSIDE, ...env }),
      timeoutMs: TIMEOUT_MS,
    })
  }
}

function registryConfig(registry: string, mirror: string): string {
  return `
[[registry]]
prefix = "${registry}"
location = "${DEAD_END}/${registry}"
insecure = true
[[registry.mirror]]
location = "${mirror}"
insecure = true
`
}
