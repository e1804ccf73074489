import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { useTempFolders } from '../../harness/temp.ts'
import { makeCertificate } from '../upstream/certificate.ts'
import { loadText, problemsOf } from './setup.ts'

const folders = useTempFolders()

const EVERYTHING = `
# All of it
listen: [127.0.0.1:7470, "[::1]:7470"]
admin: {listen: "unix:/run/warren/admin.sock"}
data: /srv/warren
hosts: cache.example.test
publicUrl: https://cache.example.test/warren
trustedProxies:
  - 10.0.0.0/8
log: {level: debug}
store:
  minFree: 5GiB
memory: {hot: 1048576, rendered: 0}
upstream:
  connectTimeout: 500ms
  concurrency: 4
  patience: 0
mesh:
  listen: :7481
  blobs: "[::1]:0"
  announce: Build1.example.test
  bootstrap: [seed.example.test:7471, "[2001:db8::1]:7471", 10.0.0.1:7471, /dns4/seed.example.test/tcp/7471]
  mdns: false
  dht: server
fresh: {negative: 0s}
mirrors:
  npm:
    upstreams: [https://npm.corp.test/a]
    local: true
  npm-old: {protocol: npm, path: old/npm, upstreams: [http://127.0.0.1:4873]}
  oci: false
`

test('every kind of setting is read from the file', () => {
  const { config, sources } = loadText(folders.create(), EVERYTHING)
  expect(config).toMatchObject({
    listen: [
      { host: '127.0.0.1', port: 7470 },
      { host: '::1', port: 7470 },
    ],
    admin: { listen: { socket: '/run/warren/admin.sock' } },
    data: '/srv/warren',
    hosts: ['cache.example.test'],
    publicUrl: 'https://cache.example.test/warren/',
    trustedProxies: ['10.0.0.0/8'],
    log: { level: 'debug' },
    store: { minFree: { bytes: 5 * 2 ** 30 }, quota: 'auto' },
    memory: { hot: 1_048_576, rendered: 0 },
    upstream: { connectTimeout: 500, headersTimeout: 30_000, concurrency: 4, patience: 0 },
    mesh: {
      listen: { host: '0.0.0.0', port: 7481 },
      blobs: { host: '::1', port: 0 },
      announce: ['build1.example.test'],
      bootstrap: [
        '/dns/seed.example.test/tcp/7471',
        '/ip6/2001:db8::1/tcp/7471',
        '/ip4/10.0.0.1/tcp/7471',
        '/dns4/seed.example.test/tcp/7471',
      ],
      mdns: false,
      dht: 'server',
    },
    fresh: { negative: 0 },
  })
  expect(config.mirrors).toEqual([
    {
      name: 'npm',
      protocol: 'npm',
      path: '/npm/',
      upstreams: ['https://npm.corp.test/a/'],
      tarballUrls: 'rewrite',
      local: true,
    },
    {
      name: 'npm-old',
      protocol: 'npm',
      path: '/old/npm/',
      upstreams: ['http://127.0.0.1:4873/'],
      tarballUrls: 'rewrite',
      local: false,
    },
  ])
  expect(sources.get('mirrors.oci')).toMatchObject({ origin: 'file', value: false })
  expect(sources.get('mirrors.npm')?.shadows).toMatchObject([{ origin: 'default', where: 'built in' }])
})

test.for([
  '',
  '\n',
  '# nothing\n',
  '---\n',
  '\uFEFFlog: {level: info}\n',
  'log: {level: info}\r\n',
  'store:\nmirrors:\nlog:\n  # level: debug\n',
])('a file with the text %j is fine', (text) => {
  expect(loadText(folders.create(), text).config.log.level).toBe('info')
})

const cases: readonly (readonly [text: string, ...problems: string[]])[] = [
  ['listn: 127.0.0.1:80\n', 'config.yaml:1:1: there is no setting listn; did you mean listen?'],
  ['store:\n  minfree: 5%\n', 'config.yaml:2:3: there is no setting store.minfree; did you mean store.minFree?'],
  ['minFree: 5%\n', 'config.yaml:1:1: there is no setting minFree; did you mean store.minFree?'],
  ['stor:\n  quota: 5GiB\n', 'config.yaml:1:1: there is no setting stor; did you mean store?'],
  ['mesh: {budgets: {bytes: 1GiB}}\n', 'config.yaml:1:8: there is no setting mesh.budgets; did you mean mesh.budget?'],
  ['database: x\n', 'config.yaml:1:1: there is no setting database; «warren config» lists all settings'],
  ['__proto__: {x: 1}\n', 'config.yaml:1:1: there is no setting __proto__; «warren config» lists all settings'],
  ['- a\n', 'config.yaml:1:1: the file must hold keys and values'],
  ['hello\n', 'config.yaml:1:1: the file must hold keys and values'],
  ['store: 10%\n', 'config.yaml:1:8: store must hold keys and values'],
  [
    'listen: 7470\n',
    'config.yaml:1:9: listen[0] is 7470, but must be host:port, such as 127.0.0.1:7470, 0.0.0.0:7470 for all addresses, or "[::1]:7470"',
  ],
  ['listen: []\n', 'config.yaml:1:9: listen is [], but must be a list of 1 to 64 addresses'],
  ['listen: {a: 1}\n', 'config.yaml:1:9: listen is {"a":1}, but must be a list of 1 to 64 addresses'],
  [
    'admin:\n  listen: unix:admin.sock\n',
    'config.yaml:2:11: admin.listen is "unix:admin.sock", but must be host:port, such as 127.0.0.1:7473, or unix: and an absolute path',
  ],
  ['data: cache\n', 'config.yaml:1:7: data is "cache", but must be an absolute path'],
  ['data:\n', 'config.yaml:1:6: data is null, but must be an absolute path'],
  ['data: "a\\nb\\e[31m"\n', 'config.yaml:1:7: data is "a\\nb\\u001b[31m", but must be an absolute path'],
  [
    'hosts: [a.example.test:80]\n',
    'config.yaml:1:9: hosts[0] is "a.example.test:80", but must be a host name or an IP address, without port and brackets',
  ],
  [
    'trustedProxies: [10.0.0.0/40]\n',
    'config.yaml:1:18: trustedProxies[0] is "10.0.0.0/40", but must be a network in CIDR form, such as 10.0.0.0/8 or fd00::/8',
  ],
  [
    'publicUrl: cache.example.test\n',
    'config.yaml:1:12: publicUrl is "cache.example.test", but must be an http or https URL, such as https://packages.example.test/npm/',
  ],
  ['log: {level: 3}\n', 'config.yaml:1:14: log.level is 3, but must be one of trace, debug, info, warn, error, fatal, silent'],
  [
    'store: {minFree: 120%}\n',
    'config.yaml:1:18: store.minFree is "120%", but must be a share of the disk, such as 10%, or a size with its unit, such as 5GiB',
  ],
  [
    'store: {quota: 20}\n',
    'config.yaml:1:16: store.quota is 20, but must be a size with its unit, such as 20GiB, none for no bound, or auto',
  ],
  [
    'store: {minFree: 10}\n',
    'config.yaml:1:18: store.minFree is 10, but must be a share of the disk, such as 10%, or a size with its unit, such as 5GiB',
  ],
  [
    'memory: {hot: 64M}\n',
    'config.yaml:1:15: memory.hot is "64M", but must be a size with its unit, up to 1TiB, such as 64MiB or 1GiB',
  ],
  [
    'memory: {hot: 64}\n',
    'config.yaml:1:15: memory.hot is 64, but must be a size with its unit, up to 1TiB, such as 64MiB or 1GiB',
  ],
  [
    'upstream: {connectTimeout: 10}\n',
    'config.yaml:1:28: upstream.connectTimeout is 10, but must be a duration from 10ms to 1h with its unit, such as 500ms, 10s, 5m, 2h or 7d',
  ],
  ['upstream: {concurrency: 0}\n', 'config.yaml:1:25: upstream.concurrency is 0, but must be a whole number from 1 to 1024'],
  [
    'upstream: {ca: [/nowhere/ca.pem]}\n',
    'config.yaml:1:17: upstream.ca[0] is "/nowhere/ca.pem", but must be the absolute path of a PEM certificate that this user can read',
  ],
  [
    'mesh: {listen: 7471}\n',
    'config.yaml:1:16: mesh.listen is 7471, but must be an IP address and a port, such as 10.0.0.5:7471, or :7471 for all addresses; port 0 takes a free one',
  ],
  [
    'mesh: {blobs: localhost:7472}\n',
    'config.yaml:1:15: mesh.blobs is "localhost:7472", but must be an IP address and a port, such as 10.0.0.5:7471, or :7471 for all addresses; port 0 takes a free one',
  ],
  [
    'mesh: {announce: [build1, 0.0.0.0]}\n',
    'config.yaml:1:27: mesh.announce[1] is "0.0.0.0", but must be a host name or an IP address by which other machines reach this one, such as build1.example.test or 10.0.0.5',
  ],
  [
    'mesh: {bootstrap: [/ip4/10.0.0.1/udp/7471]}\n',
    'config.yaml:1:20: mesh.bootstrap[0] is "/ip4/10.0.0.1/udp/7471", but must be host:port, such as seed.example.test:7471, or a multiaddr, such as /dns4/seed.example.test/tcp/7471',
  ],
  [
    'mesh: {zone: "a b"}\n',
    'config.yaml:1:14: mesh.zone is "a b", but must be the name of a place, of letters, digits, dots, dashes and underscores, such as eu-west-1a or rack-7',
  ],
  ['mesh: {mdns: maybe}\n', 'config.yaml:1:14: mesh.mdns is "maybe", but must be one of true, false'],
  ['mesh: {dht: on}\n', 'config.yaml:1:13: mesh.dht is "on", but must be one of auto, server, client'],
  [
    'fresh: {negative: 2y}\n',
    'config.yaml:1:19: fresh.negative is "2y", but must be a duration from 0s to 365d with its unit, such as 500ms, 10s, 5m, 2h or 7d',
  ],
  [
    'log: {level: info\n',
    'config.yaml:2:1: not valid YAML: Flow map in block collection must be sufficiently indented and end with a }',
  ],
  ['data: /a\ndata: /b\n', 'config.yaml:2:1: data is there a second time; keep one of the two'],
  ['log:\n  level: info\n  "level": warn\n', 'config.yaml:3:3: "level" is there a second time; keep one of the two'],
  ['data: !!js/function x\n', 'config.yaml:1:7: not valid YAML: Unresolved tag: tag:yaml.org,2002:js/function'],
  [
    'log: {level: loud}\nmemory: {hot: much}\nhots: [a]\n',
    'config.yaml:3:1: there is no setting hots; did you mean hosts?',
    'config.yaml:1:14: log.level is "loud", but must be one of trace, debug, info, warn, error, fatal, silent',
    'config.yaml:2:15: memory.hot is "much", but must be a size with its unit, up to 1TiB, such as 64MiB or 1GiB',
  ],
]

test.for([
  ['0', { bytes: 0 }],
  ['10B', { bytes: 10 }],
  ['1048576', { bytes: 1 << 20 }],
  ['1MiB', { bytes: 1 << 20 }],
  ['10%', { share: 0.1 }],
] as const)('%s is room that can be left free', ([text, minFree]) => {
  expect(loadText(folders.create(), `store: {minFree: ${text}}\n`).config.store.minFree).toEqual(minFree)
})

test.for([
  ['20GiB', 20 * 2 ** 30],
  ['0', 'none'],
  ['none', 'none'],
  ['auto', 'auto'],
] as const)('%s is a quota', ([text, quota]) => {
  expect(loadText(folders.create(), `store: {quota: ${text}}\n`).config.store.quota).toEqual(quota)
})

test.for(cases)('the file %j is refused with what would be right', ([text, ...problems]) => {
  const folder = folders.create()
  expect(problemsOf(() => loadText(folder, text), folder)).toEqual(problems)
})

test('a certificate authority is taken from a PEM file, and from nothing else', () => {
  const folder = folders.create()
  const file = join(folder, 'ca.pem')
  const text = `upstream: {ca: ["${file}"]}\n`
  // Those of a whole system are larger than a configuration may be.
  writeFileSync(file, `# ${'Our own'.repeat(60_000)}\n${makeCertificate().cert}`)
  expect(loadText(folder, text).config.upstream.ca).toEqual([file])
  for (const other of ['', 'a key', '-----BEGIN CERTIFICATE-----\nabc\n-----END CERTIFICATE-----\n']) {
    writeFileSync(file, other)
    expect(problemsOf(() => loadText(folder, text), folder)).toEqual([
      'config.yaml:1:17: upstream.ca[0] is "ca.pem", but must be the absolute path of a PEM certificate that this user can read',
    ])
  }
})

test('a file larger than 256 KiB is no configuration', () => {
  const folder = folders.create()
  expect(problemsOf(() => loadText(folder, `# ${'x'.repeat(256 << 10)}\n`), folder)).toEqual([
    'config.yaml: is larger than 256 KiB, so it is no configuration file',
  ])
})

test('aliases cannot unfold to more than a little', () => {
  const folder = folders.create()
  const tens = (of: string) => `[${Array.from({ length: 10 }, () => of).join(', ')}]`
  const text = `hosts: &a ${tens('x')}\nb: &b ${tens('*a')}\nc: &c ${tens('*b')}\nd: ${tens('*c')}\n`
  const problems = problemsOf(() => loadText(folder, text), folder)
  expect(problems).toEqual([
    'config.yaml: cannot be read as settings: Excessive alias count indicates a resource exhaustion attack',
  ])
})

test('an alias may stand for a value, and a mistake is shown where the value is', () => {
  const folder = folders.create()
  const { config } = loadText(folder, 'memory:\n  hot: &size 1MiB\n  rendered: *size\n')
  expect(config.memory).toEqual({ hot: 1 << 20, rendered: 1 << 20 })
})

test('nesting deeper than the stack is a mistake like others', () => {
  const folder = folders.create()
  const problems = problemsOf(() => loadText(folder, '['.repeat(200_000)), folder)
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(/^config\.yaml:/)
})

test('of many mistakes the first twenty are told', () => {
  const folder = folders.create()
  const text = Array.from({ length: 50 }, (_, i) => `unknown${i}: 1\n`).join('')
  const problems = problemsOf(() => loadText(folder, text), folder)
  expect(problems).toHaveLength(21)
  expect(problems.at(-1)).toBe('… and 30 more')
})

test('bytes that are no text at all are a mistake, not a crash', () => {
  const folder = folders.create()
  expect(problemsOf(() => loadText(folder, Buffer.from([0xff, 0xfe, 0x00, 0x01, 0x80])), folder)).toHaveLength(1)
})
