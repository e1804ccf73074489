import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { adoptAll } from '../../../../admin/cli/setup/adoption.ts'
import { clientNamed } from '../../../../admin/cli/setup/clients.ts'
import { reportLines } from '../../../../admin/cli/setup/lines.ts'
import { type ClientMirror, defaultMirror } from '../../../../admin/cli/setup/mirror.ts'
import type { OwnMirrors } from '../../../../admin/cli/setup/own-mirrors.ts'
import { setUp, takeBack } from '../../../../admin/cli/setup/set-up.ts'
import { builtIns } from '../../../../node/built-ins.ts'
import { useTempFolders } from '../../../harness/temp.ts'

const temp = useTempFolders()
const NODE = 'http://127.0.0.1:7470'
const MIRRORS: readonly ClientMirror[] = builtIns.map((one) => ({ ...one, url: NODE + one.path }))
const SHOW = { write: false, replace: false }
const WRITE = { write: true, replace: false }

interface At {
  /** By path below the folder of the test: `home/.npmrc`, `work/uv.toml`. */
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly mirrors?: readonly ClientMirror[]
  readonly user?: number
  /** Working folder. */
  readonly folder?: string
}

/** A machine with these files, beside a node that does not run. */
function at({ files = {}, env = {}, mirrors = [], user = 1_000, folder = 'work' }: At = {}) {
  const root = temp.create()
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  const machine = { env, root, home: join(root, 'home'), folder: join(root, folder), user, has: () => true }
  const own = { mirrors: [...MIRRORS, ...mirrors], listeners: [NODE], runs: false }
  return {
    root,
    read: (path: string) => readFileSync(join(root, path), 'utf8'),
    set: (name: string, wanted: { write: boolean; replace: boolean }, beside: OwnMirrors = own) =>
      setUp(clientNamed(name), beside, machine, wanted),
    back: (name: string) => takeBack(clientNamed(name), machine),
  }
}

/** Something that listens on this machine and answers each path with what it says. */
async function listening(answers: Readonly<Record<string, string>>): Promise<string> {
  const server = createServer((request, response) => void response.end(answers[request.url ?? ''] ?? 'no node'))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const corp: ClientMirror = {
  name: 'npm-corp',
  protocol: 'npm',
  upstreams: ['http://npm.corp.invalid/x/'],
  url: `${NODE}/npm-corp/`,
}

test('without --write it says what would be, and changes nothing', async () => {
  const { root, set } = at()
  const report = await set('npm', SHOW)
  expect(report).toMatchObject({ url: `${NODE}/npm/`, isDone: false, trouble: undefined })
  expect(report.files).toEqual([
    {
      path: join(root, 'home/.npmrc'),
      action: 'create',
      diff: [
        '--- /dev/null',
        `+++ ${join(root, 'home/.npmrc')}`,
        '@@ -0,0 +1,2 @@',
        `+registry=${NODE}/npm/`,
        '+omit-lockfile-registry-resolved=true',
      ],
      edited: false,
      left: [],
    },
  ])
  expect(readdirSync(root)).toEqual([])
})

test('a client that is led to a registry that no mirror asks is not led away, and it is said how the node comes to ask there', async () => {
  const text = '//npm.corp.invalid/:_authToken=hunter2\nregistry=http://ann:hunter2@npm.corp.invalid/x\n'
  const { read, set } = at({
    files: { 'home/.npmrc': text, 'home/.netrc': 'machine npm.corp.invalid login a password hunter2' },
  })
  const report = await set('npm', WRITE)
  expect(report).toMatchObject({ isDone: false, trouble: expect.stringContaining('http://npm.corp.invalid/x/') })
  expect(report.former).toEqual([
    expect.objectContaining({
      url: 'http://npm.corp.invalid/x/',
      mirror: undefined,
      adoption: { name: 'npm-npm-corp-invalid-x', protocol: 'npm', upstream: 'http://npm.corp.invalid/x/' },
      logins: [
        expect.stringMatching(/^the URL itself/),
        expect.stringMatching(/^\/\/npm\.corp\.invalid\/:_authToken in /),
        expect.stringMatching(/^machine npm\.corp\.invalid in /),
      ],
    }),
  ])
  expect(read('home/.npmrc')).toBe(text)
  expect(JSON.stringify(report)).not.toContain('hunter2')
  const lines = reportLines([report], { done: 'write', runs: true, output: process.stdout })
  expect(lines.join('\n')).toContain(
    'warren mirrors add npm-npm-corp-invalid-x --protocol npm --upstream http://npm.corp.invalid/x/',
  )
  expect((await set('npm', { write: true, replace: true })).isDone).toBe(true)
  expect(read('home/.npmrc')).toContain(`registry=${NODE}/npm/`)
})

test('a registry whose URL has a query is none that a node could ask without being told', async () => {
  const { set } = at({ files: { 'home/.npmrc': 'registry=http://npm.corp.invalid/x/?key=hunter2\n' } })
  const report = await set('npm', SHOW)
  expect(report.former).toMatchObject([
    { url: 'http://npm.corp.invalid/x/', logins: [expect.stringMatching(/^the URL itself/)] },
  ])
  expect(JSON.stringify(report)).not.toContain('hunter2')
})

test('it is led to the mirror that asks where it was led before, also the second time', async () => {
  const { read, set, back } = at({ files: { 'home/.npmrc': 'registry=http://npm.corp.invalid/x/\n' }, mirrors: [corp] })
  expect(await set('npm', WRITE)).toMatchObject({ url: corp.url, isDone: true, former: [{ mirror: 'npm-corp' }] })
  const written = read('home/.npmrc')
  expect(written).toContain(`registry=${corp.url}`)
  const again = await set('npm', WRITE)
  expect(again.files.map(({ action }) => action)).toEqual(['none'])
  expect(read('home/.npmrc')).toBe(written)
  expect(back('npm')).toMatchObject({ isDone: true, trouble: undefined })
  expect(read('home/.npmrc')).toBe('registry=http://npm.corp.invalid/x/\n')
})

const NODES: readonly (readonly [string, () => string | Promise<string>])[] = [
  ['its own listener by another name', () => 'http://localhost:7470/npm-old/'],
  ['whatever answers as a node', () => listening({ '/healthz': 'up\n', '/readyz': 'ready\n' })],
  ['a node that is stopping', () => listening({ '/healthz': 'up\n', '/readyz': 'draining\n' })],
  ['a port of this machine on which nobody answers', () => 'http://127.0.0.1:9/npm/'],
]

test.for(NODES)('%s is no upstream', async ([, url]) => {
  const { set } = at({ files: { 'home/.npmrc': `registry=${await url()}\n` } })
  expect(await set('npm', WRITE)).toMatchObject({ former: [], isDone: true, url: `${NODE}/npm/` })
})

test('what answers on this machine and is no node is an upstream like any other', async () => {
  const url = await listening({ '/healthz': 'up\n' })
  const { set } = at({ files: { 'home/.npmrc': `registry=${url}/\n` } })
  expect((await set('npm', WRITE)).former).toMatchObject([{ url: `${url}/` }])
})

test('a login is not sent to find out who listens', async () => {
  const logins: unknown[] = []
  const server = createServer(({ headers }, response) => void response.end(String(logins.push(headers.authorization))))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const url = `http://me:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}/`
  await at({ files: { 'home/.npmrc': `registry=${url}\n` } }).set('npm', SHOW)
  expect(logins).toEqual([undefined, undefined])
})

test('the public registry is what the node asks anyway', async () => {
  const upstream = defaultMirror(MIRRORS, 'npm')?.upstreams[0] ?? ''
  const { set } = at({ files: { 'home/.npmrc': `registry=${upstream}\n` } })
  expect(await set('npm', WRITE)).toMatchObject({ former: [], isDone: true })
})

test('variables that count more than the file are told', async () => {
  const { set } = at({ env: { PIP_INDEX_URL: 'http://127.0.0.1:9/simple/' } })
  expect((await set('pip', SHOW)).above).toEqual(['PIP_INDEX_URL'])
})

test('sources of apt are led to the mirrors that ask there, and it is said what would make one of the others', async () => {
  const text = 'deb http://deb.one.invalid/debian stable main\ndeb http://deb.two.invalid/debian stable main\n'
  const raw = { name: 'one', protocol: 'raw', upstreams: ['http://deb.one.invalid/debian/'], url: `${NODE}/raw/one/` }
  const { read, set } = at({ files: { 'etc/apt/sources.list': text }, mirrors: [raw] })
  const report = await set('apt', WRITE)
  expect(report.former.map(({ mirror, adoption }) => [mirror, adoption?.name])).toEqual([
    ['one', undefined],
    [undefined, 'raw-deb-two-invalid-debian'],
  ])
  expect(read('etc/apt/sources.list')).toBe(text.replace('http://deb.one.invalid/debian', `${NODE}/raw/one/`))
})

test('containerd gets a folder for each registry, and all of them are gone afterwards', async () => {
  const { root, read, set, back } = at({ user: 0 })
  await set('containerd', WRITE)
  const folder = join(root, 'etc/containerd/certs.d')
  expect(readdirSync(folder).sort()).toEqual(['docker.io', 'gcr.io', 'ghcr.io', 'quay.io'])
  expect(read('etc/containerd/certs.d/quay.io/hosts.toml')).toContain(`[host."${NODE}"]`)
  expect(back('containerd').isDone).toBe(true)
  expect(readdirSync(root)).toEqual([])
})

test.for([
  ['poetry', 'no project of Poetry'],
  ['ivy', 'no ivy.xml'],
  ['apt', 'no mirror of raw'],
] as const)('%s says what it lacks', async ([name, words]) => {
  expect((await at().set(name, WRITE)).trouble).toContain(words)
})

test('a file that is broken is told by its path, and nothing is written', async () => {
  const { root, read, set } = at({ files: { 'home/.cargo/config.toml': 'not toml' } })
  expect((await set('cargo', WRITE)).trouble).toBe(`${join(root, 'home/.cargo/config.toml')} cannot be understood`)
  expect(read('home/.cargo/config.toml')).toBe('not toml')
})

test.for([
  ['home/.pip/pip.conf', '[global]\nindex-url = http://pip.corp.invalid/simple/\n'],
  ['etc/pip.conf', '[global]\nindex-url = http://pip.corp.invalid/simple/\n'],
] as const)('%s counts as well, where what is written would stand above it', async ([path, text]) => {
  const { set } = at({ files: { [path]: text } })
  expect(await set('pip', WRITE)).toMatchObject({ isDone: false, trouble: expect.stringContaining('pip.corp.invalid') })
})

test('a project that is led elsewhere is told, and does not keep a user from being set up', async () => {
  const { root, set } = at({ files: { 'work/.npmrc': 'registry=http://npm.corp.invalid/\n' } })
  expect(await set('npm', WRITE)).toMatchObject({
    isDone: true,
    above: [join(root, 'work/.npmrc')],
    former: [{ url: 'http://npm.corp.invalid/', mirror: undefined, ofProject: true }],
  })
})

test('pip is told to trust a node on another machine, beside those that it trusts', async () => {
  const text = '[global]\ntrusted-host = a.test\n'
  const { read, set } = at({ files: { 'home/.config/pip/pip.conf': text } })
  const far = { name: 'pypi', protocol: 'pypi', upstreams: [], url: 'http://10.0.0.7:7470/pypi/' }
  const own = { mirrors: [far], listeners: [], runs: true }
  expect(await set('pip', WRITE, own)).toMatchObject({ isDone: true })
  expect(read('home/.config/pip/pip.conf')).toBe(
    '[global]\ntrusted-host = a.test 10.0.0.7\nindex-url = http://10.0.0.7:7470/pypi/simple/\n',
  )
})

test('what was changed since is told when it is taken back, and what is to be written by hand in lines', async () => {
  const { root, read, set, back } = at({ files: { 'home/.npmrc': 'a=1\n' } })
  await set('npm', WRITE)
  writeFileSync(join(root, 'home/.npmrc'), `${read('home/.npmrc').replace('true', 'false')}b=2\n`)
  const lines = reportLines([back('npm')], { done: 'undo', runs: undefined, output: process.stdout }).join('\n')
  expect(lines).toContain('changed in it since, which stays')
  expect(lines).toContain('omit-lockfile-registry-resolved=true')
  expect(read('home/.npmrc')).toBe('a=1\nomit-lockfile-registry-resolved=false\nb=2\n')
})

test('a variable that says the same as the file does not hide what the file has', async () => {
  const url = 'http://npm.corp.invalid/'
  const files = { 'home/.npmrc': `registry=${url}\n` }
  const report = await at({ files, env: { NPM_CONFIG_REGISTRY: url } }).set('npm', WRITE)
  expect(report).toMatchObject({ isDone: false, above: ['NPM_CONFIG_REGISTRY'], former: [{ url }] })
  expect(report.former[0]?.where).toHaveLength(2)
  // npm gives that to whatever it runs, as this command in a checkout.
  const below = await at({ files, env: { npm_config_registry: url, npm_lifecycle_event: 'warren' } }).set('npm', SHOW)
  expect(below).toMatchObject({ above: [], former: [{ where: [expect.stringMatching(/\.npmrc$/)] }] })
})

test('whoever is at home is told of each file once', async () => {
  const text = '[source.crates-io]\nreplace-with = "corp"\n[source.corp]\nregistry = "sparse+http://cargo.corp.invalid/"\n'
  const { root, set } = at({ files: { 'home/.cargo/config.toml': text }, folder: 'home' })
  expect((await set('cargo', SHOW)).former).toMatchObject([{ where: [join(root, 'home/.cargo/config.toml')] }])
})

test('nobody is asked, and no mirror made, because of what a project says', async () => {
  const asked: string[] = []
  const server = createServer((request, response) => void response.end(asked.push(request.url ?? '').toString()))
  await new Promise<void>((resolve) => server.listen(0, resolve))
  onTestFinished(() => void server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const report = await at({ files: { 'work/.npmrc': `registry=${url}\n` } }).set('npm', WRITE)
  expect([asked, report.former]).toEqual([[], []])
  const far = await at({ files: { 'work/.npmrc': 'registry=http://npm.corp.invalid/\n' } }).set('npm', WRITE)
  expect(await adoptAll(far.former, { base: url, token: () => undefined })).toEqual([])
  expect(asked).toEqual([])
})

test('a daemon of the system is set up, unless the user has one without root', async () => {
  const { root, set } = at()
  const [system] = (await set('docker', SHOW)).files
  expect(system?.path).toBe(join(root, 'etc/docker/daemon.json'))
  const own = at({ files: { 'home/.config/docker/daemon.json': '{}' } })
  const [file] = (await own.set('docker', SHOW)).files
  expect(file?.path).toBe(join(own.root, 'home/.config/docker/daemon.json'))
})

test('a daemon that has to be restarted once it is taken back is told of', async () => {
  const { set, back } = at({ user: 0 })
  await set('docker', WRITE)
  const look = { done: 'undo', runs: undefined, output: process.stdout } as const
  expect(reportLines([back('docker')], look).at(-1)).toContain('restart its daemon')
  expect(reportLines([back('docker')], look)).toEqual(['docker: nothing was written for it'])
})

test('secrets in the same line as what changes are shown neither before nor after, nor when it is taken back', async () => {
  const servers = '<servers><server><id>x</id><password>s3cret 1</password><value>s3cret</value></server></servers>'
  const files = {
    'home/.m2/settings.xml': `<settings>${servers}<mirrors/>${servers}</settings>`,
    'home/.yarnrc.yml':
      '{npmAuthIdent: "me:s3cret", npmRegistryServer: "http://a.invalid/", unsafeHttpWhitelist: ["127.0.0.1"]}\n',
  }
  const machine = at({ files })
  for (const name of ['maven', 'yarn']) {
    const report = await machine.set(name, { write: true, replace: true })
    expect(report).toMatchObject({ isDone: true, trouble: undefined })
    expect(JSON.stringify(report.files)).not.toContain('s3cret')
    expect(JSON.stringify(report.files)).toContain(NODE)
    for (const path of Object.keys(files))
      writeFileSync(join(machine.root, path), machine.read(path).replace(NODE, 'http://b.invalid'))
    const [file] = machine
      .back(name)
      .files.filter(({ path }) => files[path.slice(machine.root.length + 1) as keyof typeof files])
    expect(file?.left).not.toEqual([])
    expect(JSON.stringify(file)).not.toContain('s3cret')
  }
})

test('a command that is shown does nothing else, whatever a file names', async () => {
  const { set } = at({ files: { 'home/.npmrc': "registry=https://a.invalid/$(id);'`id`\n" } })
  const [line = ''] = reportLines([await set('npm', SHOW)], { done: 'show', runs: true, output: process.stdout }).filter(
    (one) => one.includes('mirrors add'),
  )
  expect(line).toContain(`--upstream 'https://a.invalid/$(id);'\\''%60id%60/'`)
})
