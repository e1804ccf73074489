import { mkdirSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, run } from './child-process.ts'
import { requireJars } from './mvn.ts'
import { succeeded } from './npm.ts'
import { requireTool } from './tools.ts'

const TIMEOUT_MS = 120_000
const JARS = [
  { group: 'io.get-coursier', artifact: 'interface', version: '1.0.19' },
  { group: 'org.slf4j', artifact: 'slf4j-api', version: '1.7.36' },
]

/** What its command line does: that is built with a launcher that no repository has, the library is one jar. */
const PROGRAM = `import coursierapi.*;
public class Resolve {
  public static void main(String[] args) throws Exception {
    var cache = Cache.create().withLocation(new java.io.File(args[1]));
    var fetch = Fetch.create().withCache(cache).withRepositories(MavenRepository.of(args[0]));
    for (int at = 2; at < args.length; at++) {
      var parts = args[at].split(":");
      fetch.addDependencies(Dependency.of(parts[0], parts[1], parts[2]));
    }
    for (var file : fetch.fetch()) System.out.println(file);
  }
}
`

/** Skips the test where it cannot be had. */
export async function requireCoursier(context: TestContext, work: string): Promise<Coursier> {
  const { java, jars } = await requireCoursierJars(context, work)
  return new Coursier(java, jars, work)
}

/** What its library is run with. Skips the test where it cannot be had. */
export async function requireCoursierJars(context: TestContext, work: string): Promise<{ java: string; jars: string[] }> {
  return { java: requireTool(context, 'java'), jars: await requireJars(context, work, JARS) }
}

/** The real coursier, which sbt resolves with, with caches of its own. */
export class Coursier {
  readonly #java: string
  readonly #jars: readonly string[]
  readonly #work: string

  constructor(java: string, jars: readonly string[], work: string) {
    this.#java = java
    this.#jars = jars
    this.#work = work
  }

  /**
   * Fetches dependencies, `group:artifact:version`, with all that they need from one repository.
   * @param name of the cache: a new one is empty
   * @returns paths of the jars; checksums were looked at
   */
  async fetch(name: string, repository: string, ...dependencies: string[]): Promise<string[]> {
    const folder = join(this.#work, name)
    mkdirSync(folder, { recursive: true })
    const source = join(folder, 'Resolve.java')
    writeFileSync(source, PROGRAM)
    const own = [`-Duser.home=${folder}`, '-cp', this.#jars.join(delimiter), source]
    const command = [this.#java, ...own, repository, join(folder, 'cache'), ...dependencies] as const
    const { stdout } = succeeded(await run(command, { cwd: folder, env: cleanEnv({ HOME: folder }), timeoutMs: TIMEOUT_MS }))
    return stdout.trim().split('\n')
  }
}
