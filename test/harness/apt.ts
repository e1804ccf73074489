import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from './child-process.ts'
import { succeeded } from './npm.ts'
import { missing, requireTool } from './tools.ts'

const TIMEOUT_MS = 120_000
const ARCHITECTURE = 'amd64'

/** One line of a `sources.list`. */
export interface AptSource {
  /** Base URL of the archive, with a slash at its end. */
  readonly url: string
  readonly suite: string
  /** Path of a keyring, or `machine` for the keys that this machine's apt trusts; without it the archive is trusted as it is. */
  readonly signedBy?: string
}

/** The real apt with sources, lists, cache and package state of its own: nothing of the machine's is read or written. */
export class Apt {
  readonly #program: string
  readonly #root: string

  /** @param root an empty folder that belongs to it */
  constructor(program: string, root: string, source: AptSource) {
    this.#program = program
    this.#root = root
    for (const folder of ['etc/apt.conf.d', 'etc/preferences.d', 'state/lists/partial', 'cache/archives/partial', 'log'])
      mkdirSync(join(root, folder), { recursive: true })
    writeFileSync(join(root, 'state/status'), '')
    writeFileSync(join(root, 'apt.conf'), configuration(root))
    const { url, suite, signedBy } = source
    const trust = signedBy === undefined ? 'trusted=yes ' : signedBy === 'machine' ? '' : `signed-by=${signedBy} `
    writeFileSync(join(root, 'etc/sources.list'), `deb [${trust}arch=${ARCHITECTURE}] ${url} ${suite} main\n`)
  }

  /** Rejects with what apt said where it warned only: a list that it could not get is nothing but a warning. */
  async update(...options: string[]): Promise<void> {
    const { stderr } = succeeded(await this.run(['update', ...options]))
    if (/^[EW]:/m.test(stderr)) throw new Error(`apt was not content:\n${stderr}`)
  }

  /** Downloads a package and all that it depends on. Returns them by file name. */
  async download(...packages: string[]): Promise<ReadonlyMap<string, Buffer>> {
    succeeded(await this.run(['install', '--download-only', '--yes', '--no-install-recommends', ...packages]))
    const folder = join(this.#root, 'cache/archives')
    const files = readdirSync(folder).filter((name) => name.endsWith('.deb'))
    return new Map(files.sort().map((name) => [name, readFileSync(join(folder, name))]))
  }

  /** Any command of `apt-get`, whatever becomes of it. */
  run(args: readonly string[]): Promise<Run> {
    return run([this.#program, ...args], {
      cwd: this.#root,
      env: cleanEnv({ APT_CONFIG: join(this.#root, 'apt.conf'), HOME: this.#root, LC_ALL: 'C.UTF-8' }),
      timeoutMs: TIMEOUT_MS,
    })
  }
}

/** An archive of packages that this machine's apt is configured for: the first one with `main`. Skips the test where there is none. */
export async function requireConfiguredArchive(context: TestContext): Promise<AptSource> {
  const apt = requireTool(context, 'apt-get')
  const format = '$(REPO_URI)\t$(RELEASE)\t$(COMPONENT)\t$(ARCHITECTURE)'
  const command = [apt, 'indextargets', '--format', format, 'Created-By: Packages'] as const
  const { stdout } = await run(command, { cwd: '/', env: cleanEnv(), timeoutMs: TIMEOUT_MS })
  for (const line of stdout.split('\n')) {
    const [url = '', suite = '', component, architecture] = line.split('\t')
    if (component === 'main' && architecture === ARCHITECTURE)
      return { url: url.replace(/\/*$/, '/'), suite, signedBy: 'machine' }
  }
  return missing(context, 'apt-archive', `apt is configured for no archive of ${ARCHITECTURE} packages`)
}

/** Read before all else, so that it decides where the rest is looked for (apt.conf(5)). */
function configuration(root: string): string {
  const settings = {
    Dir: root,
    'Dir::Etc': 'etc',
    'Dir::Etc::TrustedParts': '/etc/apt/trusted.gpg.d',
    'Dir::State': 'state',
    'Dir::State::status': 'status',
    'Dir::Cache': 'cache',
    'Dir::Log': 'log',
    'APT::Architecture': ARCHITECTURE,
    'APT::Sandbox::User': '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '0',
    'Acquire::http::Proxy': 'DIRECT',
    'Debug::NoLocking': 'true',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`)
  return `${lines.join('')}#clear APT::Architectures;\nAPT::Architectures { "${ARCHITECTURE}"; };\n`
}
