import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { flagFor, settings, variableFor } from '../../../node/config/settings.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { load, problemsOf } from './setup.ts'

const folders = useTempFolders()

test.for([
  ['listen', 'WARREN_LISTEN', '--listen'],
  ['admin.listen', 'WARREN_ADMIN_LISTEN', '--admin-listen'],
  ['publicUrl', 'WARREN_PUBLIC_URL', '--public-url'],
  ['store.minFree', 'WARREN_STORE_MIN_FREE', '--store-min-free'],
  ['fresh.staleWhileRevalidate', 'WARREN_FRESH_STALE_WHILE_REVALIDATE', '--fresh-stale-while-revalidate'],
] as const)('the key %s is the variable %s', ([key, variable, flag]) => {
  expect([variableFor(key), flagFor(key)]).toEqual([variable, flag])
})

test('no two keys share a variable, and every key says what it is for', () => {
  const keys = [...settings.keys()]
  expect(new Set(keys.map(variableFor)).size).toBe(keys.length)
  for (const { key, description } of settings.values()) expect(description, key).not.toBe('')
})

test('every kind of setting is read from the environment', () => {
  const { config } = load({
    env: {
      WARREN_LISTEN: '127.0.0.1:1, [::1]:2',
      WARREN_ADMIN_LISTEN: '[::1]:3',
      WARREN_DATA: '/srv/w',
      WARREN_HOSTS: '["a.example.test", "b.example.test"]',
      WARREN_TRUSTED_PROXIES: '10.0.0.1',
      WARREN_STORE_MIN_FREE: '2%',
      WARREN_UPSTREAM_CONCURRENCY: '3',
      WARREN_MESH_LISTEN: ':4001',
      WARREN_MESH_BOOTSTRAP: '10.0.0.1:7471,/dns6/mesh.example.test/tcp/1',
      WARREN_MESH_ZONE: 'eu-west-1a',
      WARREN_MESH_MDNS: 'false',
      WARREN_MEMORY_HOT: '',
      OTHER: 'x',
    },
  })
  expect(config).toMatchObject({
    listen: [
      { host: '127.0.0.1', port: 1 },
      { host: '::1', port: 2 },
    ],
    admin: { listen: { host: '::1', port: 3 } },
    data: '/srv/w',
    hosts: ['a.example.test', 'b.example.test'],
    trustedProxies: ['10.0.0.1/32'],
    store: { minFree: { share: 0.02 }, quota: 'auto' },
    upstream: { concurrency: 3 },
    mesh: {
      listen: { host: '0.0.0.0', port: 4001 },
      bootstrap: ['/ip4/10.0.0.1/tcp/7471', '/dns6/mesh.example.test/tcp/1'],
      zone: 'eu-west-1a',
      mdns: false,
    },
    memory: { hot: 64 << 20 },
  })
})

test('a list in the environment may begin with an IPv6 address and may be empty', () => {
  expect(load({ env: { WARREN_LISTEN: '[::1]:7470' } }).config.listen).toEqual([{ host: '::1', port: 7470 }])
  expect(load({ env: { WARREN_HOSTS: '[]' } }).config.hosts).toEqual([])
})

test.for([
  ['WARREN_LISTN', 'x', 'WARREN_LISTN: there is no such setting; did you mean WARREN_LISTEN?'],
  ['WARREN_CONFG', 'x', 'WARREN_CONFG: there is no such setting; did you mean WARREN_CONFIG?'],
  ['WARREN_ZZZZZZ', 'x', 'WARREN_ZZZZZZ: there is no such setting; «warren config» lists all settings'],
  ['WARREN_DATAA_FILE', '/x', 'WARREN_DATAA_FILE: there is no such setting; «warren config» lists all settings'],
  ['WARREN_SERVICE_HOST', '10.0.0.1', 'WARREN_SERVICE_HOST: there is no such setting; «warren config» lists all settings'],
  ['WARREN_DATA', 'cache', 'WARREN_DATA: data is "cache", but must be an absolute path'],
  [
    'WARREN_UPSTREAM_CONCURRENCY',
    'many',
    'WARREN_UPSTREAM_CONCURRENCY: upstream.concurrency is "many", but must be a whole number from 1 to 1024',
  ],
  [
    'WARREN_MIRRORS',
    'npm',
    'WARREN_MIRRORS: mirrors is "npm", but must be a JSON object, such as {"corp": {"protocol": "npm", "upstreams": ["https://…"]}}',
  ],
  [
    'WARREN_MIRRORS',
    '{"npm": {"upstreams": [7]}}',
    'WARREN_MIRRORS: mirrors.npm.upstreams[0] is 7, but must be an http or https URL, such as https://packages.example.test/npm/, or a group of url, ca and only',
  ],
  ['WARREN_DATA_FILE', 'secret', 'WARREN_DATA_FILE: "secret" must be an absolute path'],
] as const)('%s=%s is refused with what would be right', ([variable, value, problem]) => {
  expect(problemsOf(() => load({ env: { [variable]: value } }))).toEqual([problem])
})

test('tickets and tokens are no settings, and no mistakes either', () => {
  const names = ['WARREN_TICKET', 'WARREN_TICKET_FILE', 'WARREN_TOKEN', 'WARREN_TOKEN_FILE']
  const { sources } = load({ env: Object.fromEntries(names.map((name) => [name, 'secret'])) })
  expect(JSON.stringify([...sources])).not.toContain('secret')
  expect(problemsOf(() => load({ env: { WARREN_TICKT: 'secret' } }))).toEqual([
    'WARREN_TICKT: there is no such setting; did you mean WARREN_TICKET?',
  ])
})

test('a Kubernetes service called warren sets variables that are no settings', () => {
  const links = {
    WARREN_SERVICE_HOST: '10.0.0.1',
    WARREN_SERVICE_PORT: '7470',
    WARREN_SERVICE_PORT_HTTP: '7470',
    WARREN_PORT: 'tcp://10.0.0.1:7470',
    WARREN_PORT_7470_TCP: 'tcp://10.0.0.1:7470',
    WARREN_PORT_7470_TCP_PROTO: 'tcp',
    WARREN_PORT_7470_TCP_PORT: '7470',
    WARREN_PORT_7470_TCP_ADDR: '10.0.0.1',
    WARREN_SEED_SERVICE_HOST: '10.0.0.2',
  }
  expect(load({ env: { KUBERNETES_SERVICE_HOST: '10.0.0.254', ...links } }).config.listen).toHaveLength(1)
})

test('every variable can name a file that holds the value, and the value is not shown', () => {
  const folder = folders.create()
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const { config, sources } = load({
    env: {
      WARREN_DATA_FILE: file('data', '/srv/w\n'),
      WARREN_HOSTS_FILE: file('hosts', 'a.example.test,b.example.test\r\n'),
      WARREN_MIRRORS_FILE: file('mirrors', '{"oci": false}'),
    },
  })
  expect(config).toMatchObject({ data: '/srv/w', hosts: ['a.example.test', 'b.example.test'] })
  expect(config.mirrors.map(({ name }) => name)).toEqual(['npm'])
  expect(sources.get('data')).toMatchObject({
    origin: 'environment',
    where: `WARREN_DATA_FILE (${folder}/data)`,
    value: '(not shown)',
  })

  const wrong = file('wrong', 'hunter2\n')
  expect(problemsOf(() => load({ env: { WARREN_DATA_FILE: wrong } }))).toEqual([
    `WARREN_DATA_FILE (${wrong}): data is (not shown), but must be an absolute path`,
  ])
})

test('a variable and its file together are one too many', () => {
  expect(problemsOf(() => load({ env: { WARREN_DATA: '/a', WARREN_DATA_FILE: '/b' } }))).toEqual([
    'WARREN_DATA_FILE: WARREN_DATA is set as well; set one of the two',
  ])
})

test('a value file that is missing or too large is named', () => {
  const folder = folders.create()
  const missing = join(folder, 'none')
  expect(problemsOf(() => load({ env: { WARREN_DATA_FILE: missing } }))).toEqual([
    `WARREN_DATA_FILE: ${missing} cannot be read: ENOENT: no such file or directory, open '${missing}'`,
  ])
  const large = join(folder, 'large')
  writeFileSync(large, 'x'.repeat((64 << 10) + 1))
  expect(problemsOf(() => load({ env: { WARREN_DATA_FILE: large } }))).toEqual([
    `WARREN_DATA_FILE: ${large} is larger than 65536 bytes; it must hold the value of data and nothing else`,
  ])
})
