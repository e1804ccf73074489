import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from '../harness/child-process.ts'
import { KEPT_PROGRAMS, missing, npmCommand } from '../harness/tools.ts'

const INSTALL_TIMEOUT_MS = 120_000
const RUN_TIMEOUT_MS = 120_000

export type ClientName = 'pnpm' | 'yarn' | 'berry' | 'bun'
export const CLIENT_NAMES: readonly ClientName[] = ['pnpm', 'yarn', 'berry', 'bun']

interface Client {
  /** Package that has it, and the version that the tests were written with. */
  readonly package: string
  readonly version: string
  /** Path of the program in that package. */
  readonly program: string
  readonly lockfile: string
  readonly install: readonly string[]
  /** Arguments that take exactly what the lockfile says. */
  readonly frozen: readonly string[]
  /** Settings, as files of the project. */
  files(registry: string, work: string): Readonly<Record<string, string>>
}

const CLIENTS_BY_NAME: Readonly<Record<ClientName, Client>> = {
  pnpm: {
    package: 'pnpm',
    version: '10.34.9',
    program: 'bin/pnpm.cjs',
    lockfile: 'pnpm-lock.yaml',
    install: ['install', '--ignore-scripts', '--reporter=append-only'],
    frozen: ['--frozen-lockfile'],
    files: (registry, work) => ({
      '.npmrc': lines(
        `registry=${registry}`,
        `store-dir=${join(work, 'store')}`,
        `cache-dir=${join(work, 'cache')}`,
        'manage-package-manager-versions=false',
        'update-notifier=false',
      ),
    }),
  },
  yarn: {
    package: 'yarn',
    version: '1.22.22',
    program: 'bin/yarn.js',
    lockfile: 'yarn.lock',
    install: ['install', '--ignore-scripts', '--non-interactive', '--no-progress'],
    frozen: ['--frozen-lockfile'],
    files: (registry, work) => ({
      '.yarnrc': lines(`registry "${registry}"`, `cache-folder "${join(work, 'cache')}"`, 'disable-self-update-check true'),
    }),
  },
  berry: {
    package: '@yarnpkg/cli-dist',
    version: '4.18.1',
    program: 'bin/yarn.js',
    lockfile: 'yarn.lock',
    install: ['install'],
    frozen: ['--immutable'],
    files: (registry, work) => ({
      '.yarnrc.yml': lines(
        `npmRegistryServer: "${registry}"`,
        'unsafeHttpWhitelist: ["127.0.0.1"]',
        'nodeLinker: node-modules',
        'enableTelemetry: false',
        'enableScripts: false',
        'enableGlobalCache: false',
        'enableImmutableInstalls: false',
        `cacheFolder: "${join(work, 'cache')}"`,
        `globalFolder: "${join(work, 'global')}"`,
      ),
      'yarn.lock': '',
    }),
  },
  bun: {
    package: `@oven/bun-${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch === 'arm64' ? 'aarch64' : process.arch}`,
    version: '1.4.5',
    program: process.platform === 'win32' ? 'bin/bun.exe' : 'bin/bun',
    lockfile: 'bun.lock',
    install: ['install', '--ignore-scripts', '--no-progress', '--linker=hoisted'],
    frozen: ['--frozen-lockfile'],
    files: (registry, work) => ({
      'bunfig.toml': lines('[install]', `registry = "${registry}"`, '[install.cache]', `dir = "${join(work, 'cache')}"`),
    }),
  },
}

export interface ClientInit {
  readonly manifest: object
  /** Base URL of the registry. */
  readonly registry: string
  /** An empty folder that belongs to this run. */
  readonly work: string
  /** A lockfile of an earlier run, to install exactly what it says. */
  readonly lock?: string
}

export interface ClientRun extends Run {
  readonly nodeModules: string
  /** The lockfile as it is afterwards. */
  readonly lock: string
}

/** How to run a package manager; installed once, by the npm of this machine. Skips the test when it cannot be had. */
export async function requireClient(context: TestContext, name: ClientName): Promise<string> {
  const client = CLIENTS_BY_NAME[name]
  const folder = join(KEPT_PROGRAMS, `${name}-${client.version}`)
  const program = join(folder, 'node_modules', client.package, client.program)
  if (!existsSync(program)) {
    const trouble = await fetchClient(client, folder)
    if (trouble !== undefined) return missing(context, name, `${name} ${client.version} cannot be installed: ${trouble}`)
  }
  return program
}

async function fetchClient(client: Client, folder: string): Promise<string | undefined> {
  mkdirSync(KEPT_PROGRAMS, { recursive: true })
  const making = mkdtempSync(join(KEPT_PROGRAMS, 'making-'))
  try {
    writeFileSync(join(making, 'package.json'), '{}')
    // The prefix: npm that runs inside of npm, as in `npm test`, would install into the project of the outer one.
    const args = ['install', '--prefix', making, '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=0']
    const done = await run([...npmCommand(), ...args, `${client.package}@${client.version}`], {
      cwd: making,
      env: process.env,
      timeoutMs: INSTALL_TIMEOUT_MS,
    })
    if (done.code !== 0) return done.stderr.split('\n', 1)[0] || `npm ended with ${done.code}`
    // Whole or not at all: a run that was ended half-way must not leave half a client.
    if (!existsSync(folder)) renameSync(making, folder)
    return undefined
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

/** Installs a project with a package manager that knows nothing but this registry. */
export async function install(name: ClientName, program: string, init: ClientInit): Promise<ClientRun> {
  const client = CLIENTS_BY_NAME[name]
  const [folder, home] = [join(init.work, 'project'), join(init.work, 'home')]
  for (const one of [folder, home]) mkdirSync(one, { recursive: true })
  const lockfile = join(folder, client.lockfile)
  const files = { 'package.json': JSON.stringify(init.manifest), ...client.files(init.registry, init.work) }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  if (init.lock !== undefined) writeFileSync(lockfile, init.lock)
  const command: [string, ...string[]] = name === 'bun' ? [program] : [process.execPath, program]
  const done = await run([...command, ...client.install, ...(init.lock === undefined ? [] : client.frozen)], {
    cwd: folder,
    env: cleanEnv({ HOME: home, USERPROFILE: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home, DO_NOT_TRACK: '1' }),
    timeoutMs: RUN_TIMEOUT_MS,
  })
  const lock = existsSync(lockfile) ? readFileSync(lockfile, 'utf8') : ''
  return { ...done, nodeModules: join(folder, 'node_modules'), lock }
}

function lines(...all: string[]): string {
  return `${all.join('\n')}\n`
}
