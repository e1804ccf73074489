import { readdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { delimiter, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { requireCoursierJars } from '../harness/coursier.ts'
import { requireIvy } from '../harness/ivy.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { requireSbt } from '../harness/sbt.ts'
import { pomOf, ScriptedMaven } from '../harness/scripted-maven.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'
import { SomeUser } from './set-up.ts'

const TIMEOUT_MS = 240_000
const LIMIT = { timeout: TIMEOUT_MS }

useLeakCheck()
const temp = useTempFolders()

async function withLibrary(): Promise<ScriptedMaven> {
  const repository = await new ScriptedMaven().start()
  onTestFinished(() => repository.upstream.stop())
  const parent = pomOf('org.example', 'parent', '1.5').replace(/(?=<\/project>)/, '<packaging>pom</packaging>')
  return repository
    .deploy('org/example/parent/1.5/parent-1.5.pom', parent)
    .deploy('org/example/lib/1.0/lib-1.0.pom', pomOf('org.example', 'lib', '1.0'))
    .deploy('org/example/lib/1.0/lib-1.0.jar', 'the jar')
}

async function besideLibrary(files: Record<string, string>): Promise<SomeUser> {
  return SomeUser.besideBuiltIn(temp, 'maven-central', (await withLibrary()).url, files)
}

test('Maven, where HOME is another folder than Java takes for it', LIMIT, async (context) => {
  const program = requireTool(context, 'mvn')
  // A parent is the one thing that Maven needs before any plug-in.
  const parent = '<parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>1.5</version></parent>'
  const user = await besideLibrary({
    '.m2/settings.xml': '<settings>\r\n  <!-- mine -->\r\n  <interactiveMode>false</interactiveMode>\r\n</settings>',
    'work/pom.xml': `<project><modelVersion>4.0.0</modelVersion>${parent}<artifactId>app</artifactId><packaging>pom</packaging></project>`,
  })
  user.env.HOME = temp.create('elsewhere')
  user.env.JAVA_TOOL_OPTIONS = `-Duser.home=${temp.create('weaker')}`
  user.env.MAVEN_OPTS = `-Xmx64m -Duser.home=${user.home}`
  await user.setUp('maven', () => user.run([program, '-B', 'validate']))
  expect(readdirSync(join(user.home, '.m2/repository/org/example/parent/1.5'))).toContain('parent-1.5.pom')
  expect(readdirSync(user.env.HOME)).toEqual([])
})

test.for([
  ['of the account', () => ({}), () => userInfo().homedir],
  [
    'that options name',
    (folder: string) => ({
      JAVA_TOOL_OPTIONS: `-Duser.home=${folder}/tool`,
      JDK_JAVA_OPTIONS: `-Duser.home=${folder}/jdk "-Duser.home=${folder}/last"`,
    }),
    (folder) => `${folder}/last`,
  ],
  [
    'that the strongest options name',
    (folder: string) => ({ JDK_JAVA_OPTIONS: `-Duser.home=${folder}/jdk`, _JAVA_OPTIONS: `-Duser.home=${folder}/under` }),
    (folder) => `${folder}/under`,
  ],
] as const satisfies readonly (readonly [string, (folder: string) => Record<string, string>, (folder: string) => string])[])(
  'Java takes the home folder %s, and so does the set-up',
  LIMIT,
  async ([, options, home], context) => {
    const java = requireTool(context, 'java')
    const user = await besideLibrary({})
    delete user.env.JAVA_TOOL_OPTIONS
    Object.assign(user.env, options(user.work))
    const { stderr } = await user.run([java, '-XshowSettings:properties', '-version'])
    const folder = home(user.work)
    expect(/user\.home = (.*)/.exec(stderr)?.[1]).toBe(folder)
    const { stdout } = await user.warren('setup', 'maven', 'sbt')
    expect(stdout).toContain(join(folder, '.m2/settings.xml'))
    expect(stdout).toContain(join(folder, '.sbt/repositories'))
    expect(stdout).toContain(`Java takes ${folder} for the home folder, whatever HOME says`)
  },
)

test('Gradle', LIMIT, async (context) => {
  const program = requireTool(context, 'gradle')
  const user = await besideLibrary({
    '.gradle/init.d/mine.gradle': 'allprojects { ext.mine = 1 }\n',
    'work/settings.gradle': "rootProject.name = 'app'\n",
    'work/build.gradle': `buildscript {
  repositories { mavenCentral() }
  dependencies { classpath 'org.example:lib:1.0' }
}
configurations { wanted }
repositories { mavenCentral() }
dependencies { wanted 'org.example:lib:1.0' }
task fetch(type: Copy) {
  from configurations.wanted
  into 'lib'
}
`,
  })
  await user.setUp('gradle', () => user.run([program, '--no-daemon', 'fetch']))
  expect(readdirSync(join(user.work, 'lib'))).toEqual(['lib-1.0.jar'])
  expect((await user.node.status()).requests.upstream).toBeGreaterThan(0)
})

test('sbt, as far as its launcher goes', LIMIT, async (context) => {
  const repository = await withLibrary()
  const command = await requireSbt(context, repository, temp.create('sbt'))
  const user = await SomeUser.besideBuiltIn(temp, 'maven-central', repository.url, {
    '.sbt/repositories': '[repositories]\r\n  # mine\r\n  local\r\n  corp: https://repo.corp.invalid/m2/\r\n',
  })
  let said = ''
  await user.setUp('sbt', async () => {
    said = (await user.run(command)).stdout
  })
  expect(said).toContain('this is org.example 1.0')
  expect((await user.node.status()).requests.upstream).toBeGreaterThan(0)
})

test('coursier', LIMIT, async (context) => {
  const { java, jars } = await requireCoursierJars(context, temp.create('jars'))
  const user = await besideLibrary({
    '.config/coursier/mirror.properties': '# mine\nother.from=https://a.test\nother.to=https://b.test',
  })
  user.env.HOME = temp.create('elsewhere')
  const source = join(user.work, 'Get.java')
  const main =
    'System.out.println(coursierapi.Fetch.create().addDependencies(coursierapi.Dependency.of("org.example", "lib", "1.0")).fetch());'
  writeFileSync(source, `public class Get { public static void main(String[] args) throws Exception { ${main} } }\n`)
  let said = ''
  await user.setUp('coursier', async () => {
    said = (await user.run([java, '-cp', jars.join(delimiter), source])).stdout
  })
  expect(said).toMatch(/lib-1\.0\.jar/)
  expect(said).toContain(new URL(user.node.url).hostname)
})

test('Ivy', LIMIT, async (context) => {
  const ivy = await requireIvy(context, temp.create('ivy'))
  const chain = '<chain name="all">\n  <!-- mine -->\n  <ibiblio name="central" m2compatible="true"/>\n</chain>'
  const settings = `<ivysettings>\n<settings defaultResolver="all"/>\n<resolvers>${chain}</resolvers>\n</ivysettings>\n`
  const user = await besideLibrary({ 'work/ivysettings.xml': settings })
  const wanted = ['-settings', 'ivysettings.xml', '-dependency', 'org.example', 'lib', '1.0', '-confs', 'default']
  const retrieve = ['-retrieve', 'lib/[artifact]-[revision].[ext]']
  await user.setUp('ivy', () => user.run([requireTool(context, 'java'), '-jar', ivy.jar, ...wanted, ...retrieve]))
  expect(readdirSync(join(user.work, 'lib'))).toEqual(['lib-1.0.jar'])
})
