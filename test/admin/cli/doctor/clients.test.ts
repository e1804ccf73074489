import { once } from 'node:events'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { countsSchema } from '../../../../admin/api/status-schema.ts'
import { checkClients } from '../../../../admin/cli/doctor/checks/clients.ts'
import { textOf } from '../../../../admin/cli/doctor/clients/client.ts'
import type { Machine } from '../../../../admin/cli/doctor/scene.ts'
import { DEAD_END } from '../../../harness/dead-end.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { type SceneInit, scene, status, told } from './scene.ts'

const temp = useTempFolders()
const NODE = 'http://127.0.0.1:7470'

interface At extends Partial<SceneInit> {
  /** By path below the folder of the test: `home/.npmrc`, `etc/docker/daemon.json`, `work/uv.toml`. */
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Machine['env']
  /** Programs in PATH. */
  readonly has?: readonly string[]
}

/** What is said of the clients of a machine with these files. */
async function say({ files = {}, env = {}, has = [], ...init }: At): Promise<string[]> {
  const root = temp.create()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const machine = { env, root, home: join(root, 'home'), folder: join(root, 'work'), has: (name: string) => has.includes(name) }
  return told(await checkClients(scene({ machine, ...init }))).map((text) => text.replaceAll(`${root}/`, ''))
}

const maven = (of: string, url: string) =>
  `<settings><!-- x --><mirrors><mirror><id>w</id><mirrorOf>${of}</mirrorOf><url>${url}</url></mirror></mirrors></settings>`
const cargo = (url: string) =>
  `[source.crates-io]\nreplace-with = "a"\n[source.a]\nreplace-with = "w"\n[source.w]\nregistry = "sparse+${url}"`

test.for([
  ['npm', 'home/.npmrc', 'registry=http://localhost:7470/npm/ ; ours\n'],
  ['npm', 'home/.npmrc', 'fund=false\n; registry=http://other.test/\nregistry = "http://localhost:7470/npm/"\n'],
  ['npm', 'work/.npmrc', 'registry=http://[::1]:7470/npm'],
  ['yarn', 'home/.yarnrc.yml', 'npmRegistryServer: "http://127.0.0.1:7470/npm/"\n'],
  ['yarn', 'home/.yarnrc', '# yarn\nregistry "http://127.0.0.1:7470/npm/"\n'],
  ['pip', 'home/.config/pip/pip.conf', '[global]\nindex-url = http://127.0.0.1:7470/pypi/simple/\n'],
  ['pip', 'home/.pip/pip.conf', '[install]\nINDEX_URL: http://127.0.0.1:7470/pypi/simple/\n'],
  ['pip', 'etc/pip.conf', '[global]\nindex-url=http://127.0.0.1:7470/pypi/simple/\n'],
  [
    'uv',
    'home/.config/uv/uv.toml',
    `[[index]]\nurl = "http://x.test/"\n[[index]]\nurl = "${NODE}/pypi/simple/"\ndefault = true\n`,
  ],
  ['uv', 'home/.config/uv/uv.toml', `[pip]\nindex-url = "${NODE}/pypi/simple/"\n`],
  ['uv', 'work/pyproject.toml', `[tool.uv]\nindex-url = "${NODE}/pypi/simple/"\n`],
  ['Maven', 'home/.m2/settings.xml', maven('external:*, !corp', `${NODE}/maven/central/`)],
  ['Maven', 'home/.m2/settings.xml', maven('central', `${NODE}/maven/central`)],
  ['Gradle', 'home/.gradle/init.d/warren.gradle', `def node = '${NODE}/maven/central/'\n`],
  ['bun', 'home/.bunfig.toml', `[install]\nregistry = { url = "${NODE}/npm/" }\n`],
  ['sbt', 'home/.sbt/repositories', `[repositories]\n  local\n  w: ${NODE}/maven/central/, allowInsecureProtocol\n`],
  ['coursier', 'home/.config/coursier/mirror.properties', `w.from=*\nw.to=${NODE}/maven/central\n`],
  [
    'BuildKit',
    'home/.config/buildkit/buildkitd.toml',
    '[registry."docker.io"]\nmirrors = ["localhost:7470"]\n[registry."localhost:7470"]\nhttp = true\n',
  ],
  ['go', 'home/.config/go/env', `GOFLAGS=-mod=mod\nGOPROXY=${NODE}/go/,direct\n`],
  ['cargo', 'home/.cargo/config.toml', cargo(`${NODE}/cargo/`)],
  ['cargo', 'work/.cargo/config', cargo(`${NODE}/cargo/`)],
  ['Docker', 'etc/docker/daemon.json', '{"registry-mirrors": ["https://mirror.test", "http://localhost:7470"]}'],
  [
    'containerd',
    'etc/containerd/certs.d/docker.io/hosts.toml',
    `server = "https://hub.test"\n[host."${NODE}"]\n  capabilities = ["pull"]\n`,
  ],
  ['containerd', 'etc/containerd/certs.d/_default/hosts.toml', `[host."${NODE}"]\n`],
  [
    'podman',
    'etc/containers/registries.conf.d/warren.conf',
    '[[registry]]\nprefix = "docker.io"\n[[registry.mirror]]\nlocation = "localhost:7470/docker.io"\ninsecure = true\n',
  ],
] as const)('%s is seen to be led to the node by %s', async ([name, path, text]) => {
  expect(await say({ files: { [path]: text } })).toEqual([
    expect.stringMatching(new RegExp(`^ok: ${name} is led to http://.*\\(${path}\\)$`)),
  ])
})

test.for([
  ['npm', 'npm_config_registry', `${NODE}/npm/`],
  ['yarn', 'YARN_NPM_REGISTRY_SERVER', `${NODE}/npm/`],
  ['pip', 'PIP_INDEX_URL', `${NODE}/pypi/simple/`],
  ['uv', 'UV_DEFAULT_INDEX', `${NODE}/pypi/simple/`],
  ['go', 'GOPROXY', `${NODE}/go|direct`],
] as const)('%s is seen to be led to the node by %s in the environment', async ([name, variable, value]) => {
  expect(await say({ env: { [variable]: value } })).toEqual([
    expect.stringMatching(new RegExp(`^ok: ${name} .*\\(${variable}\\)$`)),
  ])
})

test('a variable in .npmrc is filled in', async () => {
  const files = { 'home/.npmrc': `registry=\${WHERE}/npm/` }
  expect(await say({ files, env: { WHERE: NODE } })).toEqual([expect.stringContaining(`ok: npm is led to ${NODE}/npm/`)])
})

test('a client that goes elsewhere is noted, with what would lead it to the node, and without its login', async () => {
  const [one, ...others] = await say({
    files: { 'home/.npmrc': 'registry=https://ann:hunter2@npm.corp.test/x/?token=hunter2' },
  })
  expect(one).toBe(`note: npm is led to https://npm.corp.test/x/ (home/.npmrc), past the node → warren setup npm --write`)
  expect(others).toEqual([])
})

test.for([
  [{ 'home/.npmrc': `registry=${NODE}/nmp/` }, 'wrong: npm .* where it has no mirror of npm → its mirrors are at /npm/'],
  [
    { 'home/.npmrc': 'registry=https://localhost:7470/npm/' },
    'wrong: npm .* where http: is spoken → write http://127.0.0.1:7470 there',
  ],
  [{ 'home/.npmrc': 'registry=nonsense' }, 'wrong: npm is led to what is no URL'],
  [{ 'home/.config/uv/uv.toml': '= nonsense' }, 'note: uv: home/.config/uv/uv.toml cannot be understood'],
  [{ 'etc/docker/daemon.json': '{' }, 'note: Docker: etc/docker/daemon.json cannot be understood'],
] as const)('settings %j are told as «%s»', async ([files, said]) => {
  expect(await say({ files })).toEqual([expect.stringMatching(new RegExp(`^${said}`))])
})

test('without a node a client that is led to it is wrong, and one that is led elsewhere, or nowhere, is let be', async () => {
  const settings = { folder: temp.create(), text: 'listen: ["127.0.0.1:7470"]' }
  const files = { 'home/.npmrc': `registry=${NODE}/npm/`, 'home/.pip/pip.conf': '[global]\nindex-url = https://pypi.test/' }
  expect(await say({ files, node: false, settings, has: ['go', 'npm'] })).toEqual([
    expect.stringContaining(`wrong: npm is led to ${NODE}/npm/ (home/.npmrc), where no node runs → start one`),
    expect.stringContaining('note: pip is led to https://pypi.test/ (home/.pip/pip.conf), past the node'),
  ])
})

test('a client that is led to an address of this machine where nobody answers is wrong; engines go on by themselves', async () => {
  const [led, away] = [`http://${DEAD_END}/npm/`, 'where nobody answers']
  expect(await say({ files: { 'home/.npmrc': `registry=${led}` } })).toEqual([
    `wrong: npm is led to ${led} (home/.npmrc), ${away} → warren setup npm --write`,
  ])
  const files = { 'etc/docker/daemon.json': `{"registry-mirrors": ["http://${DEAD_END}"]}` }
  expect(await say({ files })).toEqual([expect.stringMatching(/^note: Docker .* past the node/)])
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const other = `http://127.0.0.1:${Object(server.address()).port}/`
  expect(await say({ files: { 'home/.npmrc': `registry=${other}` } })).toEqual([
    expect.stringContaining(`note: npm is led to ${other}`),
  ])
})

test('a client that is there and was told nothing is noted; one that is not there is not', async () => {
  expect(await say({ has: ['go'] })).toEqual(['note: go is told nothing, and goes past the node → warren setup go --write'])
  expect(await say({})).toEqual([])
})

test('of the entries that podman has for a registry the last one counts, and a user with a file of his own has those alone', async () => {
  const entry = (location: string) =>
    `[[registry]]\nlocation = "docker.io"\n[[registry.mirror]]\nlocation = "${location}"\ninsecure = true\n`
  const [system, own] = ['etc/containers/registries.conf.d', 'home/.config/containers/registries.conf']
  const ours = { [`${system}/warren.conf`]: entry('localhost:7470/docker.io') }
  const led = 'ok: podman is led to http://localhost:7470/'
  const past = 'note: podman is led to http://corp.test/'
  const env = { XDG_CONFIG_HOME: '/elsewhere' }
  expect(await say({ files: { ...ours, [`${system}/a.conf`]: entry('corp.test') } })).toEqual([expect.stringContaining(led)])
  for (const path of [`${system}/zz.conf`, `${own}.d/a.conf`, own])
    expect(await say({ files: { ...ours, [path]: entry('corp.test') }, env })).toEqual([expect.stringContaining(past)])
})

test('a list of proxies of go counts by its first one, and off is none', async () => {
  expect(await say({ env: { GOPROXY: `https://corp.test,${NODE}/go/` } })).toEqual([
    expect.stringContaining('note: go is led to https://corp.test/'),
  ])
  expect(await say({ env: { GOPROXY: 'off' } })).toEqual([])
})

test('loopback of another machine is not meant by a setting of this one', async () => {
  const there = { ...status(), node: { ...status().node, listen: ['http://127.0.0.1:7470', 'http://10.0.0.7:7470'] } }
  const remote = { node: { status: there }, base: 'http://10.0.0.7:7470' }
  const led = (url: string) => say({ ...remote, files: { 'home/.npmrc': `registry=${url}` } })
  expect(await led(`${NODE}/npm/`)).toEqual([expect.stringContaining('past the node')])
  expect(await led('http://10.0.0.7:7470/npm/')).toEqual([expect.stringContaining('ok: npm')])
})

test('a node that tells counts only is believed to have the mirrors that clients are led to', async () => {
  const node = { status: countsSchema.parse(status()), peers: undefined, examination: undefined }
  const settings = { folder: temp.create(), text: 'listen: ["127.0.0.1:7470"]' }
  expect(await say({ node, settings, files: { 'home/.npmrc': `registry=${NODE}/npm/` } })).toEqual([
    expect.stringContaining('ok: npm'),
  ])
})

test('a link to a device in the place of a file is read to no end that it does not have', () => {
  const folder = temp.create()
  symlinkSync('/dev/zero', join(folder, 'endless'))
  symlinkSync('/dev/null', join(folder, 'empty'))
  expect(textOf(join(folder, 'endless'))).toHaveLength(1 << 20)
  expect(textOf(join(folder, 'empty'))).toBe('')
  expect(textOf(folder)).toBeUndefined()
  writeFileSync(join(folder, 'file'), 'Grüße')
  expect(textOf(join(folder, 'file'))).toBe('Grüße')
})
