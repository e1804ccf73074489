import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npmCommand } from '../programs.ts'
import type { Ended, Processes } from './processes.ts'

/** Lines of what npm complains that people get to see. */
const COMPLAINTS = 3
/** What is set for another npm: it would change what is installed, or send requests for this machine to a proxy. */
const FOREIGN = /^(?:npm_|(?:https?_|all_)?proxy$)/i

/** The npm of this machine. */
export class Npm {
  readonly #processes: Processes
  readonly #command: readonly [string, ...string[]]

  /** Throws when there is none. */
  constructor(processes: Processes) {
    this.#processes = processes
    const command = npmCommand()
    if (!command) throw new Error('the demo installs with npm, and there is no npm in PATH; it comes with Node.js')
    this.#command = command
  }

  /** One of its settings, as it applies here; undefined when it is not set. */
  async setting(name: string): Promise<string | undefined> {
    const init = { cwd: process.cwd(), env: process.env }
    const { code, stdout } = await this.#processes.start([...this.#command, 'config', 'get', name], init).ended
    const value = stdout.trim()
    return code === 0 && !['', 'null', 'undefined'].includes(value) ? value : undefined
  }

  /**
   * Installs a package into an empty project with an empty cache and settings of its own. Returns the folder of what was
   * installed; rejects with what npm complains.
   */
  async install(spec: string, init: { readonly registry: string; readonly folder: string }): Promise<string> {
    const project = join(init.folder, 'project')
    mkdirSync(project, { recursive: true })
    writeFileSync(join(project, 'package.json'), '{ "private": true }\n')
    const options = {
      registry: init.registry,
      cache: join(init.folder, 'cache'),
      userconfig: join(init.folder, 'npmrc'),
      globalconfig: join(init.folder, 'global-npmrc'),
      // By itself it waits 10 s and then a minute; whoever looks on would rather hear.
      'fetch-retries': '2',
      'fetch-retry-mintimeout': '1000',
      'fetch-retry-maxtimeout': '2000',
    }
    // Install scripts are other people's code, and of no interest here.
    const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--no-progress']
    const args = [...flags, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)]
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !FOREIGN.test(name)))
    const ended = await this.#processes.start([...this.#command, 'install', spec, ...args], { cwd: project, env }).ended
    if (ended.code !== 0) throw new Error(complaint(ended))
    return join(project, 'node_modules')
  }
}

function complaint({ code, stderr }: Ended): string {
  const lines = stderr.split('\n').flatMap((line) => /^npm (?:error|ERR!) (?!A complete log)(.+)/.exec(line)?.[1] ?? [])
  return lines.slice(0, COMPLAINTS).join('; ') || `it ended with exit code ${code}`
}
