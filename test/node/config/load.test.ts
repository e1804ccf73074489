import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { useTempFolders } from '../../harness/temp.ts'
import { load, loadText, problemsOf } from './setup.ts'

const folders = useTempFolders()

test('without any setting the defaults apply', () => {
  const { config, file } = load()
  expect(file).toBeUndefined()
  expect(config).toEqual({
    listen: [{ host: '127.0.0.1', port: 7470 }],
    admin: { listen: { host: '127.0.0.1', port: 7470 } },
    data: '/home/ann/.local/share/warren',
    hosts: [],
    trustedProxies: [],
    log: { level: 'info' },
    store: { minFree: { share: 0.1 }, quota: 'auto' },
    memory: { hot: 64 << 20, rendered: 64 << 20 },
    upstream: { connectTimeout: 10_000, headersTimeout: 30_000, idleTimeout: 30_000, concurrency: 16, patience: 8_000, ca: [] },
    mesh: {
      listen: { host: '0.0.0.0', port: 7471 },
      blobs: { host: '0.0.0.0', port: 7472 },
      announce: [],
      bootstrap: [],
      ephemeral: false,
      replicas: 2,
      names: 'seeds',
      budget: { requests: 12_000, fetches: 20_000, bytes: 100 * 2 ** 30, pulls: 200 },
      uploads: 8,
      mdns: true,
      dht: 'auto',
    },
    fresh: { staleWhileRevalidate: 60_000, staleIfError: 604_800_000, negative: 30_000 },
    policy: { allow: [], deny: [], minimumAge: { default: 0 }, minimumAgeExceptions: [] },
    mirrors: [
      {
        name: 'npm',
        protocol: 'npm',
        path: '/npm/',
        upstreams: ['https://npm.example.test/'],
        tarballUrls: 'rewrite',
        local: false,
      },
      {
        name: 'oci',
        protocol: 'oci',
        path: '/v2/',
        upstreams: ['https://images.example.test/'],
        local: false,
      },
    ],
  })
})

test('nothing in the configuration can be changed afterwards', () => {
  const { config } = load()
  for (const part of [
    config,
    config.listen,
    config.listen[0],
    config.admin.listen,
    config.mirrors,
    config.mirrors[0],
    config.mirrors[0]?.upstreams,
  ]) {
    expect(Object.isFrozen(part)).toBe(true)
  }
})

test('a flag is stronger than the environment, that than the file, that than the default', () => {
  const folder = folders.create()
  const text = 'log:\n  level: warn\n'
  const layers = (flag: boolean, env: boolean) =>
    loadText(folder, text, {
      flags: new Map(flag ? [['log.level', 'trace']] : []),
      env: env ? { WARREN_LOG_LEVEL: 'error' } : {},
    })
  const file = join(folder, 'config.yaml')
  const shadowed = {
    environment: { origin: 'environment', where: 'WARREN_LOG_LEVEL', value: 'error' },
    file: { origin: 'file', where: `${file}:2:10`, value: 'warn' },
    default: { origin: 'default', where: 'built in', value: 'info' },
  }
  const all = layers(true, true)
  expect(all.config.log.level).toBe('trace')
  expect(all.sources.get('log.level')).toEqual({
    origin: 'flag',
    where: '--log-level',
    value: 'trace',
    shadows: [shadowed.environment, shadowed.file, shadowed.default],
  })
  const withoutFlag = layers(false, true)
  expect(withoutFlag.config.log.level).toBe('error')
  expect(withoutFlag.sources.get('log.level')).toEqual({ ...shadowed.environment, shadows: [shadowed.file, shadowed.default] })
  const fileOnly = layers(false, false)
  expect(fileOnly.config.log.level).toBe('warn')
  expect(fileOnly.sources.get('log.level')).toEqual({ ...shadowed.file, shadows: [shadowed.default] })
  expect(load().sources.get('log.level')).toEqual({ ...shadowed.default, shadows: [] })
})

test('the file is the one that --config names, else WARREN_CONFIG, else the one of the user', () => {
  const write = (path: string, level: string) => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, `log: {level: ${level}}\n`)
    return path
  }
  const folder = folders.create()
  const home = join(folder, 'home')
  const flag = write(join(folder, 'flag.yaml'), 'trace')
  const named = write(join(folder, 'named.yaml'), 'debug')
  const xdg = join(folder, 'xdg')
  write(join(xdg, 'warren/config.yaml'), 'warn')
  write(join(home, '.config/warren/config.yaml'), 'error')
  const levelWith = (init: Parameters<typeof load>[0]) => load({ home, ...init }).config.log.level

  expect(levelWith({ configFile: flag, env: { WARREN_CONFIG: named, XDG_CONFIG_HOME: xdg } })).toBe('trace')
  expect(levelWith({ env: { WARREN_CONFIG: named, XDG_CONFIG_HOME: xdg } })).toBe('debug')
  expect(levelWith({ env: { XDG_CONFIG_HOME: xdg } })).toBe('warn')
  expect(levelWith({})).toBe('error')
  // The XDG specification has relative values ignored.
  expect(levelWith({ env: { XDG_CONFIG_HOME: 'xdg' } })).toBe('error')
})

test('the system has a file of its own after the one of the user, and the working directory none', () => {
  expect(load().candidates).toEqual(['/home/ann/.config/warren/config.yaml', '/etc/warren/config.yaml'])
  expect(load({ env: { XDG_CONFIG_HOME: '/cfg' } }).candidates).toEqual(['/cfg/warren/config.yaml', '/etc/warren/config.yaml'])
  expect(load({ home: undefined, env: { WARREN_DATA: '/d' } }).candidates).toEqual(['/etc/warren/config.yaml'])
})

test('a file that somebody named must exist', () => {
  const file = join(folders.create(), 'none.yaml')
  expect(problemsOf(() => load({ configFile: file }))).toEqual([
    `${file}: cannot be read: ENOENT: no such file or directory, open '${file}'; --config must name a file that this user can read`,
  ])
  expect(problemsOf(() => load({ env: { WARREN_CONFIG: file } }))).toEqual([
    `${file}: cannot be read: ENOENT: no such file or directory, open '${file}'; WARREN_CONFIG must name a file that this user can read`,
  ])
  expect(problemsOf(() => load({ env: { WARREN_CONFIG: 'config.yaml' } }))).toEqual([
    'WARREN_CONFIG: "config.yaml" must be an absolute path',
  ])
})

test('a folder is no configuration file', () => {
  const folder = folders.create()
  expect(problemsOf(() => load({ configFile: folder }))).toEqual([
    `${folder}: cannot be read: EISDIR: illegal operation on a directory, read; --config must name a file that this user can read`,
  ])
})

test('the data folder is below XDG_DATA_HOME, else in the home folder; without either it must be set', () => {
  expect(load({ env: { XDG_DATA_HOME: '/var/x' } }).config.data).toBe('/var/x/warren')
  expect(load({ home: undefined, env: { WARREN_DATA: '/srv/warren' } }).config.data).toBe('/srv/warren')
  expect(problemsOf(() => load({ home: undefined }))).toEqual([
    'data has no default here; set WARREN_DATA, or data in the file',
  ])
})

test.for([
  { listen: ['127.0.0.1:0'], admin: { host: '127.0.0.1', port: 0 } },
  { listen: ['10.0.0.1:80', '[::1]:81', '127.0.0.1:82'], admin: { host: '::1', port: 81 } },
  { listen: ['0.0.0.0:7470'], admin: { host: '127.0.0.1', port: 7473 } },
])('with $listen administration listens on $admin.host:$admin.port', ({ listen, admin }) => {
  const { config, sources } = load({ flags: new Map([['listen', listen]]) })
  expect(config.admin.listen).toEqual(admin)
  expect(sources.get('admin.listen')?.origin).toBe('default')
})

test('two listeners that take the same address are refused before the system does', () => {
  const flags = new Map<string, unknown>([
    ['listen', ['0.0.0.0:7470']],
    ['admin.listen', '127.0.0.1:7470'],
  ])
  expect(problemsOf(() => load({ flags }))).toEqual([
    '--admin-listen: admin.listen is "127.0.0.1:7470", but must be on another port than listen (0.0.0.0:7470), which overlaps with it',
  ])
  expect(load({ flags: new Map(flags).set('admin.listen', 'unix:/run/w.sock') }).config.admin.listen).toEqual({
    socket: '/run/w.sock',
  })
})

test.for([
  [['127.0.0.1:80', '127.0.0.1:80'], 1, '127.0.0.1:80'],
  [['127.0.0.1:80', '10.0.0.1:81', '0.0.0.0:80'], 2, '127.0.0.1:80'],
  [['[::]:80', '0.0.0.0:80'], 1, '[::]:80'],
  [['[::]:80', '127.0.0.1:80'], 1, '[::]:80'],
] as const)('%j is refused, since the entry %i takes the address of another one', ([listen, at, other]) => {
  expect(problemsOf(() => load({ flags: new Map([['listen', listen]]) }))).toEqual([
    `--listen: listen[${at}] is "${listen[at]}", but must be on another port than ${other}, which overlaps with it`,
  ])
})

test.for([
  [
    { 'mesh.blobs': ':7471' },
    '--mesh-blobs: mesh.blobs is ":7471", but must be on another port than mesh.listen (0.0.0.0:7471)',
  ],
  [
    { 'mesh.listen': '127.0.0.1:7470' },
    '--mesh-listen: mesh.listen is "127.0.0.1:7470", but must be on another port than listen (127.0.0.1:7470)',
  ],
  [
    { 'admin.listen': '127.0.0.1:80', 'mesh.blobs': '[::]:80' },
    '--mesh-blobs: mesh.blobs is "[::]:80", but must be on another port than admin.listen (127.0.0.1:80)',
  ],
  [
    { listen: ['127.0.0.1:80', '10.0.0.1:7472'] },
    '--listen: listen[1] is "10.0.0.1:7472", but must be on another port than mesh.blobs (0.0.0.0:7472)',
  ],
  [
    { 'admin.metrics': '127.0.0.1:7470' },
    '--admin-metrics: admin.metrics is "127.0.0.1:7470", but must be on another port than listen (127.0.0.1:7470)',
  ],
  [
    { listen: ['0.0.0.0:7473'] },
    '--listen: listen[0] is "0.0.0.0:7473", but must be on another port than admin.listen (127.0.0.1:7473)',
  ],
] as const)('%j is refused, at the setting that somebody wrote', ([flags, problem]) => {
  expect(problemsOf(() => load({ flags: new Map(Object.entries(flags)) }))).toEqual([`${problem}, which overlaps with it`])
})

test('mirrors, administration and mesh may share a port on different addresses', () => {
  const flags = new Map<string, unknown>([
    ['listen', ['127.0.0.1:80']],
    ['mesh.listen', '10.0.0.1:80'],
    ['mesh.blobs', '10.0.0.2:80'],
  ])
  expect(load({ flags }).config.mesh).toMatchObject({ listen: { host: '10.0.0.1' }, blobs: { host: '10.0.0.2' } })
})

test.for([
  [['127.0.0.1:0', '127.0.0.1:0', '0.0.0.0:0']],
  [['127.0.0.1:80', '10.0.0.1:80', '[::1]:80']],
  [['0.0.0.0:80', '[::1]:80']],
] as const)('%j do not get into the way of each other', ([listen]) => {
  expect(load({ flags: new Map([['listen', listen]]) }).config.listen).toHaveLength(listen.length)
})

test('no file is taken for the socket of a killed node', async () => {
  const folder = folders.create()
  const [file, socket] = [join(folder, 'precious'), join(folder, 'socket')]
  writeFileSync(file, 'precious')
  const flags = (path: string) => ({ flags: new Map([['admin.listen', `unix:${path}`]]) })
  expect(problemsOf(() => load(flags(file)))).toEqual([
    `--admin-listen: admin.listen is "unix:${file}", but must be unix: and a path at which there is no file of another kind`,
  ])
  expect(load(flags(socket)).config.admin.listen).toEqual({ socket })
  const server = createServer().listen(socket)
  await once(server, 'listening')
  expect(load(flags(socket)).config.admin.listen).toEqual({ socket })
  server.close()
})

test('what something stronger shadows has to be right, too', () => {
  const folder = folders.create()
  const act = () => loadText(folder, 'log: {level: loud}\n', { flags: new Map([['log.level', 'info']]) })
  expect(problemsOf(act, folder)).toEqual([
    'config.yaml:1:14: log.level is "loud", but must be one of trace, debug, info, warn, error, fatal, silent',
  ])
})
