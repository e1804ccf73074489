import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { cleanEnv, type Run, run } from './child-process.ts'
import { type Project, readProject } from './project.ts'
import { npmCommand } from './tools.ts'

const TIMEOUT_MS = 180_000

export interface NpmInit {
  /** What to install: files, or a folder whose package.json and package-lock.json are copied. */
  readonly project: Project | string
  /** Base URL of the registry. */
  readonly registry: string
  /** An empty folder that belongs to this run: project, home and prefix lie in it. */
  readonly work: string
  /** npm's cache; an empty one by default. */
  readonly cache?: string
  /** npm settings, e.g. `{ audit: 'true' }`. */
  readonly settings?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly timeoutMs?: number
}

export interface NpmRun extends Run {
  /** The project folder. */
  readonly folder: string
  readonly nodeModules: string
}

/** `npm ci`: exactly what the lockfile says. */
export function npmCi(init: NpmInit): Promise<NpmRun> {
  return runNpm('ci', init)
}

/** `npm install`: resolves the tree from the registry's documents where no lockfile says it. */
export function npmInstall(init: NpmInit): Promise<NpmRun> {
  return runNpm('install', init)
}

/** Gives the run back when npm was content; throws with its output otherwise. */
export function succeeded<T extends Run>(done: T): T {
  if (done.code === 0) return done
  const ending = done.timedOut ? 'did not end in time' : `ended with ${done.code}`
  // npm says first what is wrong and then, at length, how it is used.
  throw new Error(`the client ${ending}:\n${done.stderr.slice(0, 3000)}\n…\n${done.stdout.slice(-1000)}`)
}

async function runNpm(command: 'ci' | 'install', init: NpmInit): Promise<NpmRun> {
  const folder = join(init.work, 'project')
  const home = join(init.work, 'home')
  mkdirSync(folder, { recursive: true })
  mkdirSync(home, { recursive: true })
  const { project } = init
  writeProject(typeof project === 'string' ? readProject(project) : project, folder)
  // Install scripts are other people's code, and no registry sees whether they ran.
  const settings = {
    registry: init.registry,
    cache: init.cache ?? join(init.work, 'cache'),
    prefix: join(init.work, 'prefix'),
    userconfig: join(home, 'npmrc'),
    globalconfig: join(home, 'global-npmrc'),
    audit: 'false',
    fund: 'false',
    ignore_scripts: 'true',
    progress: 'false',
    update_notifier: 'false',
    ...init.settings,
  }
  const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`npm_config_${name}`, value]))
  const done = await run([...npmCommand(), command, ...(init.args ?? [])], {
    cwd: folder,
    env: cleanEnv({ HOME: home, USERPROFILE: home, ...env }),
    timeoutMs: init.timeoutMs ?? TIMEOUT_MS,
  })
  return { ...done, folder, nodeModules: join(folder, 'node_modules') }
}

/** Puts package.json and, where there is one, package-lock.json into a folder. */
export function writeProject(project: Project, folder: string): void {
  writeFileSync(join(folder, 'package.json'), JSON.stringify(project.manifest, null, 2))
  if (project.lock) writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(project.lock, null, 2))
}
