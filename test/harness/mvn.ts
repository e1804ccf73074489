import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, type Run, run } from './child-process.ts'
import { succeeded } from './npm.ts'
import { KEPT_PROGRAMS, missing, requireTool } from './tools.ts'

const TIMEOUT_MS = 240_000

/** A plug-in with few dependencies that resolves and compiles: a run from nothing takes some 40 POMs and 20 jars. */
export const COMPILE = 'org.apache.maven.plugins:maven-compiler-plugin:3.13.0:compile'

/** Where a repository is to be looked for, by its id in POMs; `*` for all others. */
export type MavenMirrors = Readonly<Record<string, string>>

/** The real Maven with a home, settings and a local repository of its own. */
export class Maven {
  readonly #program: string
  readonly #work: string
  readonly #settings: readonly string[]

  /**
   * @param work an empty folder that belongs to it
   * @param mirrors undefined for what this machine's own settings say
   */
  constructor(program: string, work: string, mirrors?: MavenMirrors) {
    this.#program = program
    this.#work = work
    for (const folder of ['home', 'repository']) mkdirSync(join(work, folder), { recursive: true })
    this.#settings = mirrors ? ['-s', this.#write('settings.xml', mirrors), '-gs', this.#write('global.xml', {})] : []
  }

  /** The local repository. */
  get repository(): string {
    return join(this.#work, 'repository')
  }

  /**
   * Runs goals on a project. Files whose checksums are wrong are errors and not only warnings.
   * @param folder of its pom.xml
   */
  run(folder: string, ...args: string[]): Promise<Run> {
    const home = join(this.#work, 'home')
    const own = [
      '-B',
      '-C',
      `-Dmaven.repo.local=${this.repository}`,
      ...(this.#settings.length > 0 ? [`-Duser.home=${home}`] : []),
    ]
    // Whose settings are those of this machine is found by them in his home.
    const env = { HOME: this.#settings.length > 0 ? home : (process.env.HOME ?? home) }
    return run([this.#program, ...own, ...this.#settings, ...args], { cwd: folder, env: cleanEnv(env), timeoutMs: TIMEOUT_MS })
  }

  #write(name: string, mirrors: MavenMirrors): string {
    const file = join(this.#work, name)
    const list = Object.entries(mirrors).map(
      ([of, url], at) => `<mirror><id>mirror-${at}</id><mirrorOf>${of}</mirrorOf><url>${url}</url></mirror>`,
    )
    writeFileSync(file, `<settings><mirrors>${list.join('')}</mirrors></settings>`)
    return file
  }
}

interface Dependency {
  readonly group: string
  readonly artifact: string
  readonly version: string
}

export interface MavenProject {
  readonly dependencies: readonly Dependency[]
  /** Source files by their path. */
  readonly sources?: Readonly<Record<string, string>>
  /** URLs of further repositories by id; they have snapshots as well. */
  readonly repositories?: Readonly<Record<string, string>>
}

/** Writes a project into a folder that need not exist, and returns the folder. */
export function writeMavenProject(folder: string, { dependencies, sources = {}, repositories = {} }: MavenProject): string {
  const dependency = ({ group, artifact, version }: Dependency) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
  const policy = '<updatePolicy>always</updatePolicy><checksumPolicy>fail</checksumPolicy>'
  const repository = ([id, url]: [string, string]) =>
    `<repository><id>${id}</id><url>${url}</url><snapshots><enabled>true</enabled>${policy}</snapshots></repository>`
  const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>test.example</groupId>
  <artifactId>app</artifactId>
  <version>1.0</version>
  <properties>
    <maven.compiler.source>8</maven.compiler.source>
    <maven.compiler.target>8</maven.compiler.target>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <repositories>${Object.entries(repositories).map(repository).join('')}</repositories>
  <dependencies>${dependencies.map(dependency).join('')}</dependencies>
</project>
`
  for (const [path, text] of Object.entries({ 'pom.xml': pom, ...sources })) {
    const file = join(folder, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return folder
}

/** Path of Maven, and the URL of the central repository as this machine is set up; skips the test where either cannot be had. */
export async function requireCentral(context: TestContext, work: string): Promise<{ program: string; url: string }> {
  const program = requireTool(context, 'mvn')
  const folder = writeMavenProject(join(work, 'ask'), { dependencies: [] })
  // Without the network it says what it would have asked, all settings considered.
  const { stdout } = await new Maven(program, join(work, 'ask-maven')).run(folder, '-o', COMPILE)
  const [, named] = /Cannot access \S+ \((https?:\/\/[^)\s]+)\) in offline mode/.exec(stdout) ?? []
  if (named === undefined) throw new Error(`Maven does not say which repository it would ask: ${stdout.slice(-1000)}`)
  const url = named.endsWith('/') ? named : `${named}/`
  try {
    const { body } = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(10_000) })
    await body?.cancel()
  } catch {
    missing(context, 'maven-central', 'the repository that Maven is configured for cannot be reached')
  }
  return { program, url }
}

/** Paths of jars that Maven fetches from the repository that it is configured for, once: then they are kept. */
export async function requireJars(context: TestContext, work: string, wanted: readonly Dependency[]): Promise<string[]> {
  const jars = wanted.map(({ artifact, version }) => join(KEPT_PROGRAMS, `${artifact}-${version}.jar`))
  if (jars.every((jar) => existsSync(jar))) return jars
  const { program } = await requireCentral(context, work)
  const sources = { 'src/main/java/A.java': 'class A {}' }
  const maven = new Maven(program, join(work, 'get-maven'))
  succeeded(await maven.run(writeMavenProject(join(work, 'get'), { dependencies: wanted, sources }), COMPILE))
  mkdirSync(KEPT_PROGRAMS, { recursive: true })
  wanted.forEach(({ group, artifact, version }, at) => {
    const jar = jars[at] as string
    // Whole or not at all, also for another test that fetches it at the same time.
    const partial = `${jar}.${process.pid}`
    const folder = join(maven.repository, group.replaceAll('.', '/'), artifact, version)
    copyFileSync(join(folder, `${artifact}-${version}.jar`), partial)
    renameSync(partial, jar)
  })
  return jars
}
