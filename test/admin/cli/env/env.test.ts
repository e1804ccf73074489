import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { CLIENTS } from '../../../../admin/cli/setup/clients.ts'
import { builtIns } from '../../../../node/built-ins.ts'
import { startNodeProcess } from '../../../harness/node.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { type FakeNode, LONE, startFakeNode } from '../../fake-node.ts'
import { runWarren } from '../run-warren.ts'

const temp = useTempFolders()

interface World {
  readonly node: FakeNode
  readonly data: string
  /** Home and working folder of the job. */
  readonly home: string
  readonly tmp: string
  run(args?: readonly string[], env?: Readonly<Record<string, string>>): ReturnType<typeof runWarren>
}

/** A job beside a node with the mirrors that are built in, or with others. */
async function world(mirrors: FakeNode['mirrors'] = [...builtIns]): Promise<World> {
  const [data, home, tmp] = ['data', 'home', 'tmp'].map((name) => temp.create(name)) as [string, string, string]
  const node = await startFakeNode(data)
  node.mirrors = mirrors
  node.listen = ['http://127.0.0.1:7470']
  const run: World['run'] = (args = [], env = {}) =>
    runWarren(['env', '--data', data, ...args], { home, env: { TMPDIR: tmp, ...env } })
  return { node, data, home, tmp, run }
}

const CORP = { name: 'npm-corp', protocol: 'npm', path: '/npm-corp/', upstreams: ['https://npm.corp.test/repo/'] }

/** The lines of a shell, read as the shell reads them. */
function variablesIn(stdout: string): Record<string, string> {
  const lines = [...stdout.matchAll(/^export (\w+)='([^']*)'\n/gm)]
  expect(lines.map(([line]) => line).join('')).toBe(stdout)
  return Object.fromEntries(lines.map(([, name = '', value = '']) => [name, value]))
}

test('each client is led to its mirror, and nothing but exports is on stdout', async () => {
  const { run, tmp } = await world()
  const { code, stdout, stderr } = await run()
  expect(code).toBe(0)
  const { WARREN_ENV_FOLDER: folder = '', ...variables } = variablesIn(stdout)
  expect(variables).toMatchObject({
    npm_config_registry: 'http://127.0.0.1:7470/npm/',
    pnpm_config_registry: 'http://127.0.0.1:7470/npm/',
    YARN_REGISTRY: 'http://127.0.0.1:7470/npm/',
    YARN_NPM_REGISTRY_SERVER: 'http://127.0.0.1:7470/npm/',
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
    BUN_CONFIG_REGISTRY: 'http://127.0.0.1:7470/npm/',
    PIP_INDEX_URL: 'http://127.0.0.1:7470/pypi/simple/',
    UV_DEFAULT_INDEX: 'http://127.0.0.1:7470/pypi/simple/',
    GOPROXY: 'http://127.0.0.1:7470/go/,direct',
    COURSIER_REPOSITORIES: 'ivy2Local|http://127.0.0.1:7470/maven/central',
    MAVEN_ARGS: `-gs ${folder}/maven/settings.xml`,
    SBT_OPTS: `-Dsbt.override.build.repos=true -Dsbt.repository.config=${folder}/sbt/repositories`,
  })
  expect(folder.startsWith(tmp)).toBe(true)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(readFileSync(join(folder, 'maven/settings.xml'), 'utf8')).toContain('<url>http://127.0.0.1:7470/maven/central/</url>')
  expect(readFileSync(join(folder, 'sbt/repositories'), 'utf8')).toContain('http://127.0.0.1:7470/maven/central/')
  expect(stderr).toContain('led to the node at http://127.0.0.1:7470: npm and pnpm, yarn, bun, pip, uv')
  const [, others = ''] = /no variable leads ([a-z, -]+): «warren setup NAME» does/.exec(stderr) ?? []
  const led = ['npm', 'pnpm', 'yarn', 'bun', 'pip', 'uv', 'maven', 'gradle', 'sbt', 'coursier', 'go', 'cargo']
  expect([...led, ...others.split(', ')].sort()).toEqual(CLIENTS.map(({ name }) => name).sort())
})

test('without a node there is no word on stdout, and no folder', async () => {
  const [home, data, tmp] = [temp.create('home'), temp.create('data'), temp.create('tmp')]
  const done = await runWarren(['env', '--data', data], { home, env: { TMPDIR: tmp } })
  expect(done).toMatchObject({ code: 3, stdout: '' })
  expect(done.stderr).toContain(`no node runs on ${data}`)
  expect(readdirSync(tmp)).toEqual([])
})

test('a node that is stopping is none', async () => {
  const { node, run } = await world()
  node.state = 'draining'
  const done = await run()
  expect(done).toMatchObject({ code: 3, stdout: '' })
  expect(done.stderr).toContain('is stopping')
})

test('with --wait it waits for a node that is starting', async () => {
  const [home, data] = [temp.create('home'), temp.create('data')]
  const waiting = runWarren(['env', '--data', data, '--wait', '25', '--json'], { home })
  const started = await startNodeProcess({ data })
  try {
    const { code, stdout } = await waiting
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ node: started.url, variables: { npm_config_registry: `${started.url}/npm/` } })
    expect((await runWarren(['env', '--remove', '--dir', JSON.parse(stdout).variables.WARREN_ENV_FOLDER], { home })).code).toBe(
      0,
    )
  } finally {
    await started.kill()
  }
})

test('it waits for the mesh as well, and goes on without it when that takes too long', async () => {
  const { node, run } = await world()
  node.mesh = { ...node.mesh, state: 'joining' }
  const late = await run(['--wait', '0.2'])
  expect(late.code).toBe(0)
  expect(late.stderr).toContain('warning: the node reaches no other member of its mesh yet')
  let looks = 0
  const state = () => (++looks > 3 ? 'member' : 'joining')
  Object.defineProperty(node, 'mesh', { get: () => ({ ...LONE, state: state() }) })
  expect((await run(['--wait', '25'])).stderr).not.toContain('warning')
  expect(looks).toBeGreaterThan(3)
})

test('no client is led to a mirror that the node does not have', async () => {
  const { run } = await world(builtIns.filter(({ name }) => name === 'go'))
  const { stdout, stderr } = await run()
  expect(Object.keys(variablesIn(stdout))).toEqual(['GOPROXY', 'WARREN_ENV_FOLDER'])
  expect(stderr).toContain('not led there: pip: the node has no mirror of the registry that it asks')
})

test('a registry that no mirror asks stays, from variables and from files, and no login of it is told', async () => {
  const { run, home } = await world()
  writeFileSync(join(home, '.npmrc'), 'registry=https://npm.other.test/\n')
  const env = {
    PIP_INDEX_URL: 'https://me:s3cret@pip.other.test/simple/',
    GOPROXY: 'off',
    COURSIER_REPOSITORIES: 'ivy2Local|https://m.other.test/',
  }
  const { stdout, stderr } = await run([], env)
  const variables = variablesIn(stdout)
  for (const name of [
    'npm_config_registry',
    'YARN_REGISTRY',
    'BUN_CONFIG_REGISTRY',
    'PIP_INDEX_URL',
    'GOPROXY',
    'COURSIER_REPOSITORIES',
  ])
    expect(variables).not.toHaveProperty(name)
  expect(variables).toHaveProperty('UV_DEFAULT_INDEX')
  expect(stderr).toContain(
    `npm and pnpm: it stays with https://npm.other.test/ (${home}/.npmrc), which no mirror of the node asks`,
  )
  expect(stderr).toContain('pip: it stays with https://pip.other.test/simple/ (PIP_INDEX_URL)')
  expect(stderr).toContain('Go: it stays with off (GOPROXY)')
  expect(stderr).not.toContain('s3cret')
})

test('a registry that a mirror asks is asked through that one, and only where it is the first that the mirror asks', async () => {
  const first = await world([...builtIns, CORP])
  const env = { npm_config_registry: 'https://npm.corp.test/repo' }
  const led = await first.run([], env)
  expect(variablesIn(led.stdout).npm_config_registry).toBe('http://127.0.0.1:7470/npm-corp/')
  expect(led.stderr).toContain(
    'npm and pnpm: the mirror «npm-corp» in the place of https://npm.corp.test/repo (npm_config_registry)',
  )
  const second = await world([...builtIns, { ...CORP, upstreams: ['https://other.test/', ...CORP.upstreams] }])
  expect(variablesIn((await second.run([], env)).stdout)).not.toHaveProperty('npm_config_registry')
})

test('--mirror stands above what is set', async () => {
  const { run } = await world([...builtIns, CORP])
  const { stdout } = await run(['--mirror', 'npm-corp'], { npm_config_registry: 'https://npm.other.test/' })
  expect(variablesIn(stdout).npm_config_registry).toBe('http://127.0.0.1:7470/npm-corp/')
  const wrong = await run(['--mirror', 'nowhere'])
  expect(wrong).toMatchObject({ code: 2, stdout: '' })
})

test('what others have in a list of options stays before what is added', async () => {
  const { run } = await world()
  const { stdout } = await run([], {
    SBT_OPTS: '-Xmx2g',
    MAVEN_ARGS: '-B',
    YARN_UNSAFE_HTTP_WHITELIST: 'a.test',
    GOPROXY: `${builtIns.find(({ name }) => name === 'go')?.upstreams[0]}|direct`,
  })
  expect(variablesIn(stdout)).toMatchObject({
    SBT_OPTS: expect.stringMatching(/^-Xmx2g -Dsbt\.override/),
    MAVEN_ARGS: expect.stringMatching(/^-B -gs /),
    YARN_UNSAFE_HTTP_WHITELIST: 'a.test,127.0.0.1',
    GOPROXY: 'http://127.0.0.1:7470/go/|direct',
  })
})

test("Cargo and Gradle keep the user's caches, settings and scripts", async () => {
  const { run, home } = await world()
  mkdirSync(join(home, '.cargo'))
  writeFileSync(join(home, '.cargo/config.toml'), '# mine\n[net]\nretry = 7\n')
  mkdirSync(join(home, '.gradle/init.d'), { recursive: true })
  writeFileSync(join(home, '.gradle/gradle.properties'), 'a=b\n')
  writeFileSync(join(home, '.gradle/init.d/mine.gradle'), '// mine\n')
  const { CARGO_HOME: cargo = '', GRADLE_USER_HOME: gradle = '' } = variablesIn((await run()).stdout)
  const config = readFileSync(join(cargo, 'config.toml'), 'utf8')
  expect(config).toContain('# mine\n[net]\nretry = 7\n')
  expect(config).toContain('sparse+http://127.0.0.1:7470/cargo/')
  expect(readFileSync(join(home, '.cargo/config.toml'), 'utf8')).not.toContain('warren')
  expect(readlinkSync(join(cargo, 'registry'))).toBe(join(home, '.cargo/registry'))
  writeFileSync(join(gradle, 'caches/kept'), '')
  expect(existsSync(join(home, '.gradle/caches/kept'))).toBe(true)
  expect(readdirSync(join(gradle, 'init.d')).sort()).toEqual(['mine.gradle', 'warren.gradle'])
  expect(readFileSync(join(gradle, 'gradle.properties'), 'utf8')).toBe('a=b\n')
})

test('homes and a folder for temporary files that are named relative to the working folder are found from any other', async () => {
  const { run, home } = await world()
  for (const name of ['tmp', 'cargo', 'gradle', 'mvn/conf']) mkdirSync(join(home, name), { recursive: true })
  for (const file of ['settings.xml', 'toolchains.xml']) writeFileSync(join(home, 'mvn/conf', file), '<settings/>\n')
  const relative = { TMPDIR: 'tmp', CARGO_HOME: 'cargo', GRADLE_USER_HOME: 'gradle', MAVEN_HOME: 'mvn' }
  const { WARREN_ENV_FOLDER: folder = '' } = variablesIn((await run([], relative)).stdout)
  expect(folder).toContain(join(home, 'tmp/warren-env-'))
  const links = ['cargo/registry', 'gradle/caches', 'maven/toolchains.xml'].map((name) => readlinkSync(join(folder, name)))
  expect(links).toEqual(['cargo/registry', 'gradle/caches', 'mvn/conf/toolchains.xml'].map((name) => join(home, name)))
})

test('a login in a variable is not written down, and nobody else looks into the folder, also one that was there', async () => {
  const { run, home } = await world([...builtIns, CORP])
  const dir = join(home, 'job')
  mkdirSync(dir, { mode: 0o755 })
  const { stdout } = await run(['--dir', dir], { npm_config_registry: 'https://ann:hunter2@npm.corp.test/repo/' })
  expect(variablesIn(stdout).npm_config_registry).toBe('http://127.0.0.1:7470/npm-corp/')
  expect(readFileSync(join(dir, 'warren-env.json'), 'utf8')).not.toContain('hunter2')
  expect(statSync(dir).mode & 0o777).toBe(0o700)
})

test('a client of which there is no sign gets no home', async () => {
  const { run, home } = await world()
  const { stdout, stderr } = await run([], { PATH: '' })
  expect(variablesIn(stdout)).not.toHaveProperty('GRADLE_USER_HOME')
  expect(stderr).toContain('Gradle: it is not installed')
  expect(readdirSync(home)).toEqual([])
})

test('once more changes nothing, and --remove takes all of it back', async () => {
  const { run, home, tmp } = await world()
  const before = { CARGO_HOME: join(home, 'own'), SBT_OPTS: '-Xmx2g', PIP_INDEX_URL: '' }
  mkdirSync(before.CARGO_HOME)
  const first = await run([], before)
  const set = variablesIn(first.stdout)
  const again = await run([], { ...before, ...set })
  expect(variablesIn(again.stdout)).toEqual(set)
  expect(readdirSync(tmp)).toHaveLength(1)
  const { code, stdout } = await run(['--remove'], { ...before, ...set })
  expect(code).toBe(0)
  expect(readdirSync(tmp)).toEqual([])
  expect(existsSync(join(home, 'own/registry'))).toBe(true)
  const lines = stdout.split('\n')
  expect(lines).toContain(`export CARGO_HOME='${before.CARGO_HOME}'`)
  expect(lines).toContain("export SBT_OPTS='-Xmx2g'")
  for (const name of Object.keys(set)) expect(stdout).toMatch(new RegExp(`^(?:unset ${name}|export ${name}=.*)$`, 'm'))
  expect(lines).toContain('unset WARREN_ENV_FOLDER')
})

test('--dir is made, used again, and never what somebody uses for something else', async () => {
  const { run, home } = await world()
  const dir = join(home, 'made', 'here')
  expect(variablesIn((await run(['--dir', dir])).stdout).WARREN_ENV_FOLDER).toBe(dir)
  expect((await run(['--dir', dir])).code).toBe(0)
  expect((await run(['--remove', '--dir', dir])).code).toBe(0)
  expect(existsSync(dir)).toBe(false)
  const mine = join(home, 'mine')
  mkdirSync(mine)
  writeFileSync(join(mine, 'precious'), '')
  for (const args of [['--dir', mine], ['--remove', '--dir', mine], ['--remove']])
    expect(await run(args)).toMatchObject({ code: 2, stdout: '' })
  expect(readdirSync(mine)).toEqual(['precious'])
})

test.for(['a b', 'a$(id)'])(
  'Maven and sbt are left alone where %j is in the path of their files, and no other client',
  async (name) => {
    const { run, home } = await world()
    const { stdout, stderr } = await run(['--dir', join(home, name)])
    const variables = variablesIn(stdout)
    expect(Object.keys(variables)).toContain('PIP_INDEX_URL')
    expect(Object.keys(variables)).not.toContain('MAVEN_ARGS')
    expect(stderr).toContain('Maven: it takes no path with a space in it')
  },
)

test("the node of the machine, whose token a job does not have, is led to by the machine's settings", async () => {
  const { node, home, tmp } = await world()
  const config = join(home, 'warren.yaml')
  const settings = {
    data: temp.create('other'),
    listen: ['127.0.0.1:7999'],
    admin: { listen: new URL(node.admin).host },
    mirrors: { npm: false },
  }
  writeFileSync(config, JSON.stringify(settings))
  const { code, stdout } = await runWarren(['env', '--config', config], { home, env: { TMPDIR: tmp } })
  expect(code).toBe(0)
  const variables = variablesIn(stdout)
  expect(variables.PIP_INDEX_URL).toBe('http://127.0.0.1:7999/pypi/simple/')
  expect(variables).not.toHaveProperty('npm_config_registry')
  const named = await runWarren(['env', '--node', node.admin], { home, env: { TMPDIR: tmp } })
  expect(named).toMatchObject({ code: 1, stdout: '' })
  expect(named.stderr).toContain('wants its node token')
})

test('a mark that would have a shell do something else is none', async () => {
  const { run, home } = await world()
  const dir = join(home, 'odd')
  mkdirSync(dir)
  writeFileSync(join(dir, 'warren-env.json'), JSON.stringify({ v: 1, before: { 'A; touch broken; B': null }, added: {} }))
  expect(await run(['--remove', '--dir', dir])).toMatchObject({ code: 2, stdout: '' })
  expect(existsSync(dir)).toBe(true)
})

test('a folder into which others can write is not taken for one that was made here', async () => {
  const { run } = await world()
  const planted = temp.create('planted')
  writeFileSync(join(planted, 'warren-env.json'), JSON.stringify({ v: 1, before: { PATH: '/planted' }, added: {} }))
  chmodSync(planted, 0o777)
  const removed = await run(['--remove', '--dir', planted])
  expect(removed).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('has made no folder') })
  const { stdout } = await run([], { WARREN_ENV_FOLDER: planted })
  expect(stdout).not.toContain('planted')
  expect(readdirSync(planted)).toEqual(['warren-env.json'])
})

test('uv is left alone in a project whose lockfile names another index, since that would be a change of it', async () => {
  const { run, home } = await world()
  const lock = (url: string) =>
    writeFileSync(join(home, 'uv.lock'), `[[package]]\nname = "a"\nsource = { registry = "${url}" }\n`)
  lock('https://pypi.test/simple')
  const { stdout, stderr } = await run()
  expect(variablesIn(stdout)).not.toHaveProperty('UV_DEFAULT_INDEX')
  expect(stderr).toContain('not led there: uv: its lockfile names pypi.test')
  lock('http://127.0.0.1:7470/pypi/simple/')
  expect(variablesIn((await run()).stdout)).toHaveProperty('UV_DEFAULT_INDEX')
})
