import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from './child-process.ts'
import { COMPILE, Maven, requireCentral, writeMavenProject } from './mvn.ts'
import { succeeded } from './npm.ts'
import { KEPT_PROGRAMS, requireTool } from './tools.ts'

const TIMEOUT_MS = 120_000
const IVY = { group: 'org.apache.ivy', artifact: 'ivy', version: '2.5.2' }
const FILE = `${IVY.artifact}-${IVY.version}.jar`

/** Path of Ivy's jar, which Maven fetches from the repository that it is configured for and which is then kept. */
export async function requireIvy(context: TestContext, work: string): Promise<Ivy> {
  const java = requireTool(context, 'java')
  const jar = join(KEPT_PROGRAMS, FILE)
  if (!existsSync(jar)) {
    const { program } = await requireCentral(context, work)
    const sources = { 'src/main/java/A.java': 'class A {}' }
    const folder = writeMavenProject(join(work, 'get-ivy'), { dependencies: [IVY], sources })
    const maven = new Maven(program, join(work, 'get-ivy-maven'))
    succeeded(await maven.run(folder, COMPILE))
    mkdirSync(KEPT_PROGRAMS, { recursive: true })
    // Whole or not at all, also for another test that fetches it at the same time.
    const partial = join(KEPT_PROGRAMS, `${FILE}.${process.pid}`)
    copyFileSync(join(maven.repository, 'org/apache/ivy/ivy', IVY.version, FILE), partial)
    renameSync(partial, jar)
  }
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
