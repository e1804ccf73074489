import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Config } from '../../../node/config/schema.ts'
import { isWarrenError } from '../../../node/errors.ts'
import { Secret } from '../../../node/secret.ts'
import { startNode } from '../../harness/start-node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { using } from './fixture.ts'
import { httpServer } from './servers.ts'

const folders = useTempFolders()
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

/** A registry of packages that lets in whoever shows this, and tells what is left; and a node before it. */
async function setUp(shown: string, config: (origin: string) => Partial<Config>) {
  const registry = await using(
    httpServer(({ headers }, response) => {
      const left = { 'ratelimit-limit': '100;w=60', 'ratelimit-remaining': '3;w=60' }
      if (headers.authorization !== shown) return response.writeHead(401, left).end()
      response.writeHead(200, { ...left, 'content-type': 'application/json' })
      response.end(JSON.stringify({ name: 'is-odd', 'dist-tags': {}, versions: {} }))
    }),
  )
  const node = await startNode({
    data: folders.create(),
    upstream: `${registry.origin}/`,
    config: config(registry.origin),
  })
  const response = await fetch(`${node.npm}is-odd`)
  await response.body?.cancel()
  return { status: response.status, node, registry }
}

function dockerConfig(config: unknown): string {
  const path = join(folders.create('docker'), 'config.json')
  writeFileSync(path, JSON.stringify(config))
  return path
}

const asAnn = (origin: string): Partial<Config> => ({
  credentials: [{ origin, username: 'ann', password: new Secret('hunter2') }],
})
const asBob = (origin: string): Partial<Config> => ({
  dockerConfig: dockerConfig({ auths: { [origin]: { auth: basic('bob:hunter3').slice('Basic '.length) } } }),
})

test.for([
  ['shows what stands under credentials', 'ann:hunter2', asAnn, 200],
  ["shows what stands in Docker's config.json", 'bob:hunter3', asBob, 200],
  ['prefers what stands under credentials', 'ann:hunter2', (origin: string) => ({ ...asAnn(origin), ...asBob(origin) }), 200],
  ['shows nothing where there is nothing', 'ann:hunter2', () => ({}), 403],
] as const)('a node %s', async ([, login, config, expected]) => {
  const { status } = await setUp(basic(login), config)
  expect(status).toBe(expected)
})

test('the status of a node says what its upstreams still grant, and nothing of credentials', async () => {
  const { node, registry } = await setUp(basic('ann:hunter2'), asAnn)
  const status = await node.status()
  expect(status.upstream).toMatchObject([
    { origin: registry.origin, budget: { limit: 100, remaining: 3, window: 60, isLow: true } },
  ])
  expect(JSON.stringify(status)).not.toMatch(/hunter2|credentials|authorization/i)
})

test('a login for a host that no mirror asks is told of at the start', async () => {
  const lines: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(line) })
  const login = { username: 'ann', password: new Secret('hunter2') }
  const origins = ['http://127.0.0.1:1', 'https://bound.corp.example', 'https://registry.corp.example']
  const credentials = origins.map((origin) => ({ origin, ...login }))
  const upstream = 'http://127.0.0.1:1/'
  const routes = [{ pattern: '@corp/*', upstream: 'https://bound.corp.example/' }]
  const mirrors = [{ name: 'npm', protocol: 'npm', path: '/npm/', upstreams: [upstream], routes, local: false }]
  await startNode({ data: folders.create(), upstream, mirrors, config: { credentials }, overrides: { log } })
  expect(lines.map((line) => JSON.parse(line).msg)).toEqual([
    'credentials: no mirror asks registry.corp.example; a login is named by the host that is asked, such as 127.0.0.1:1',
  ])
})

test('a node does not start with a config.json that leaves logins to helper programs', async () => {
  const path = dockerConfig({ credHelpers: { 'registry.example.test': 'gcloud' } })
  const starting = startNode({
    data: folders.create(),
    upstream: 'http://127.0.0.1:1/',
    config: { dockerConfig: path },
  })
  const error = await starting.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(isWarrenError(error, 'CONFIG_INVALID') && error.message).toContain(`${path} leaves credentials to helper programs`)
})
