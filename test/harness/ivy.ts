import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from './child-process.ts'
import { requireJars } from './mvn.ts'
import { requireTool } from './tools.ts'

const TIMEOUT_MS = 120_000
const IVY = { group: 'org.apache.ivy', artifact: 'ivy', version: '2.5.2' }

/** Ivy is one jar. Skips the test where it cannot be had. */
export async function requireIvy(context: TestContext, work: string): Promise<Ivy> {
  const java = requireTool(context, 'java')
  const [jar = ''] = await requireJars(context, work, [IVY])
  return new Ivy(java, jar, work)
}

/** The real Ivy with caches of its own. */
export class Ivy {
  /** Path of the jar that it is in. */
  readonly jar: string
  readonly #java: string
  readonly #work: string

  constructor(java: string, jar: string, work: string) {
    this.#java = java
    this.jar = jar
    this.#work = work
  }

  /**
   * Resolves one dependency with a fresh cache and puts all files that it takes into `<name>/lib`.
   * @param resolver an element of ivysettings.xml that is called `node`
   */
  async retrieve(
    name: string,
    resolver: string,
    dependency: readonly [string, string, string],
  ): Promise<Run & { lib: string }> {
    const folder = join(this.#work, name)
    const lib = join(folder, 'lib')
    mkdirSync(lib, { recursive: true })
    const settings = join(folder, 'ivysettings.xml')
    writeFileSync(settings, `<ivysettings><settings defaultResolver="node"/><resolvers>${resolver}</resolvers></ivysettings>\n`)
    const home = join(this.#work, 'home')
    mkdirSync(home, { recursive: true })
    const args = ['-settings', settings, '-cache', join(folder, 'cache'), '-dependency', ...dependency, '-confs', 'default']
    const command = [this.#java, `-Duser.home=${home}`, '-jar', this.jar, ...args] as const
    const done = await run([...command, '-retrieve', `${lib}/[artifact]-[revision].[ext]`], {
      cwd: folder,
      env: cleanEnv({ HOME: home }),
      timeoutMs: TIMEOUT_MS,
    })
    return { ...done, lib }
  }
}
