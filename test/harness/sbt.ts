import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { TestContext } from 'vitest'
import { cleanEnv, run } from './child-process.ts'
import { requireJars } from './mvn.ts'
import { succeeded } from './npm.ts'
import { pomOf, type ScriptedMaven } from './scripted-maven.ts'
import { requireTool } from './tools.ts'

const TIMEOUT_MS = 120_000
const LAUNCHER = { group: 'org.scala-sbt', artifact: 'sbt-launch', version: '1.12.0' }
const SCALA = 'org.scala-lang'
const SCALA_VERSION = '2.12.20'

/** What the launcher runs, and the two classes by which it tells Scala from something else. */
const SOURCES: Readonly<Record<string, string>> = {
  'Main.java': `public class Main implements xsbti.AppMain {
  public xsbti.MainResult run(xsbti.AppConfiguration with) {
    System.out.println("this is " + with.provider().id().groupID() + " " + with.provider().id().version());
    return (xsbti.Exit) () -> 0;
  }
}
`,
  'scala/Option.java': 'package scala;\npublic class Option {}\n',
  'scala/tools/nsc/Global.java': 'package scala.tools.nsc;\npublic class Global {}\n',
}

/**
 * The real launcher of sbt, which reads the list of repositories, and resolves with coursier from it: what is called `sbt` there is a
 * program of a few lines, since the real one is 50 MB and takes most of a minute. Skips the test where the launcher cannot be had.
 * @param work an empty folder that belongs to it
 * @returns how to run it, in a folder that has no build
 */
export async function requireSbt(
  context: TestContext,
  repository: ScriptedMaven,
  work: string,
): Promise<[string, ...string[]]> {
  const [java, javac, jar] = ['java', 'javac', 'jar'].map((tool) => requireTool(context, tool)) as [string, string, string]
  const [launcher = ''] = await requireJars(context, work, [LAUNCHER])
  const init = { cwd: work, env: cleanEnv({ HOME: work }), timeoutMs: TIMEOUT_MS }
  for (const [name, text] of Object.entries(SOURCES)) {
    mkdirSync(dirname(join(work, name)), { recursive: true })
    writeFileSync(join(work, name), text)
  }
  succeeded(await run([javac, '-cp', launcher, '-d', 'classes', ...Object.keys(SOURCES)], init))
  succeeded(await run([jar, '--create', '--file', 'all.jar', '-C', 'classes', '.'], init))
  const bytes = readFileSync(join(work, 'all.jar'))
  const deploy = (group: string, artifact: string, version: string, pom = pomOf(group, artifact, version)) => {
    const path = `${group.replaceAll('.', '/')}/${artifact}/${version}/${artifact}-${version}`
    repository.deploy(`${path}.pom`, pom).deploy(`${path}.jar`, bytes)
  }
  const library = `<dependency><groupId>${SCALA}</groupId><artifactId>scala-library</artifactId><version>${SCALA_VERSION}</version></dependency>`
  const pom = pomOf('org.example', 'sbt', '1.0').replace('</project>', `<dependencies>${library}</dependencies></project>`)
  deploy('org.example', 'sbt', '1.0', pom)
  for (const artifact of ['scala-library', 'scala-compiler']) deploy(SCALA, artifact, SCALA_VERSION)
  const meant = ['-Dsbt.organization=org.example', '-Dsbt.version=1.0', '-Dsbt.main.class=Main']
  return [java, ...meant, '-Dsbt.override.build.repos=true', '-jar', launcher]
}
