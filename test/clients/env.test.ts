import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, type TestContext, test } from 'vitest'
import { builtIns } from '../../node/built-ins.ts'
import { loadNodeToken } from '../../node/node-token.ts'
import { ENTRY } from '../admin/cli/run-warren.ts'
import { atHome, cleanEnv, run } from '../harness/child-process.ts'
import { NOTHING_OUTSIDE } from '../harness/dead-end.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { succeeded } from '../harness/npm.ts'
import { requirePip } from '../harness/pip.ts'
import { requirePipProgram } from '../harness/pip-program.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { ScriptedCargo } from '../harness/scripted-cargo.ts'
import { started } from '../harness/scripted-files.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { pomOf, ScriptedMaven } from '../harness/scripted-maven.ts'
import { scriptedIndex } from '../harness/scripted-pypi-node.ts'
import { startNode } from '../harness/start-node.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'

const TIMEOUT_MS = 240_000

const PDM = { name: 'pdm', wanted: 'pdm==2.29.4', beside: ['hishel<2'] }

useLeakCheck()
const temp = useTempFolders()

/** A registry for each ecosystem, and a node whose built-in mirrors ask these. */
async function nodeOfAll() {
  const npm = new SyntheticRegistry({ packages: 3, odd: false })
  const replay = await started(new ReplayUpstream(npm.recording))
  const index = await scriptedIndex()
  index.publish({ name: 'six', version: '1.0' })
  const repository = await new ScriptedMaven().start()
  onTestFinished(() => repository.upstream.stop())
  const parent = pomOf('org.example', 'parent', '1.5').replace(/(?=<\/project>)/, '<packaging>pom</packaging>')
  repository.deploy('org/example/parent/1.5/parent-1.5.pom', parent)
  repository.deploy('org/example/lib/1.0/lib-1.0.pom', pomOf('org.example', 'lib', '1.0'))
  repository.deploy('org/example/lib/1.0/lib-1.0.jar', 'the jar')
  const modules = await started(new ScriptedGo())
  modules.publish('ex.test/b', 'v0.1.0', { files: { 'b.go': 'package b\n' } })
  const crates = await started(new ScriptedCargo())
  crates.publish('leaf', '1.0.0')
  const upstreams: Readonly<Record<string, string>> = {
    npm: replay.url,
    pypi: index.base,
    'maven-central': repository.url,
    go: modules.url,
    cargo: crates.index,
  }
  const mirrors = builtIns.flatMap((mirror) => {
    const upstream = upstreams[mirror.name]
    if (upstream === undefined) return []
    const more = mirror.name === 'go' ? { sumdb: modules.sumdb } : {}
    return [{ ...mirror, upstreams: [upstream], local: false, ...more }]
  })
  const data = temp.create('node')
  const node = await startNode({ data, upstream: replay.url, mirrors })
  return { node, data, sumdb: modules.sumdb, wanted: npm.installable[0]?.name ?? '' }
}

/** A job: lines of a shell, in a project with a file for each client, and with nothing of whoever runs the tests. */
function projectFor(context: TestContext, work: string): void {
  for (const tool of ['npm', 'go', 'cargo', 'mvn', 'gradle']) requireTool(context, tool)
  for (const folder of ['home', 'src', 'gradle', 'pdm']) mkdirSync(join(work, folder), { recursive: true })
  const parent = '<parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>1.5</version></parent>'
  const files = {
    'pom.xml': `<project><modelVersion>4.0.0</modelVersion>${parent}<artifactId>app</artifactId><packaging>pom</packaging></project>`,
    'go.mod': 'module main.test/m\n',
    'Cargo.toml': '[package]\nname = "p"\nversion = "0.0.0"\n[dependencies]\nleaf = "1"\n',
    'src/main.rs': 'fn main() {}\n',
    'gradle/settings.gradle': '',
    'gradle/build.gradle': `configurations { wanted }
repositories { mavenCentral() }
dependencies { wanted 'org.example:lib:1.0' }
task fetch(type: Copy) {
  from configurations.wanted
  into 'lib'
}
`,
    'pdm/pyproject.toml': '[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.9"\ndependencies = ["six"]\n',
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(work, name), text)
}

test('clients in a job come to the node by what «warren env» prints, and by nothing else', {
  timeout: TIMEOUT_MS,
}, async (context) => {
  const work = temp.create('job')
  projectFor(context, work)
  const python = await requirePip(context)
  const { folder: pdm } = await requirePipProgram(context, python, PDM)
  const { node, data, sumdb, wanted } = await nodeOfAll()
  const home = join(work, 'home')
  const env = cleanEnv({
    ...NOTHING_OUTSIDE,
    NO_PROXY: '127.0.0.1',
    ...atHome(home),
    WARREN_TOKEN: loadNodeToken(data).value,
    RUSTUP_HOME: process.env.RUSTUP_HOME ?? join(homedir(), '.rustup'),
    GOSUMDB: sumdb,
    GOENV: 'off',
    GOFLAGS: '-mod=mod -modcacherw',
    GOTOOLCHAIN: 'local',
    GOPATH: join(work, 'go'),
    PIP_CONFIG_FILE: '/dev/null',
    PDM_CHECK_UPDATE: 'false',
  })
  const script = [
    'set -eu',
    `eval "$("${process.execPath}" "${ENTRY}" env --node ${node.admin})"`,
    `npm install --no-audit --no-fund --prefix npm ${wanted}`,
    `"${python}" -m pip install --no-cache-dir --target site six`,
    'go get ex.test/b@latest',
    'cargo fetch',
    'mvn -B -Dmaven.repo.local=repository validate',
    'gradle --no-daemon -p gradle fetch',
    `PYTHONPATH="${pdm}" "${python}" -m pdm lock -p pdm`,
    'ls "$CARGO_HOME/registry"',
    `eval "$("${process.execPath}" "${ENTRY}" env --remove)"`,
    `echo "left: $(env | grep -c -E '^(WARREN_ENV_FOLDER|npm_config_registry|CARGO_HOME|MAVEN_OPTS)=')"`,
  ]
  const { stdout } = succeeded(await run(['sh', '-c', script.join('\n')], { cwd: work, env, timeoutMs: TIMEOUT_MS }))
  expect(stdout.trimEnd().endsWith('left: 0')).toBe(true)
  expect(readdirSync(join(work, 'npm/node_modules'))).toContain(wanted)
  expect(readdirSync(join(work, 'site'))).toContain('six')
  expect(readFileSync(join(work, 'go.mod'), 'utf8')).toContain('ex.test/b v0.1.0')
  expect(readFileSync(join(work, 'Cargo.lock'), 'utf8')).toContain('name = "leaf"')
  expect(readdirSync(join(work, 'repository/org/example/parent/1.5'))).toContain('parent-1.5.pom')
  expect(readdirSync(join(work, 'gradle/lib'))).toEqual(['lib-1.0.jar'])
  expect(readFileSync(join(work, 'pdm/pdm.lock'), 'utf8')).toContain('name = "six"')
  // What Cargo and Gradle keep is the user's, and stays when the job is over.
  expect(readdirSync(join(home, '.cargo/registry'))).toContain('cache')
  expect(readdirSync(join(home, '.gradle/caches'))).not.toEqual([])
})
