import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../node/secret.ts'
import { createMesh, issueTicket } from '../../node/trust/membership.ts'
import { MeshFolder } from '../../node/trust/mesh-folder.ts'
import { loadNodeKey } from '../../node/trust/node-key.ts'
import { startAdminNode } from '../admin/api/admin-node.ts'
import { scripted } from '../clients/behind.ts'
import { answer } from '../harness/answer.ts'
import { HttpClient } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { useTempFolders } from '../harness/temp.ts'

useLeakCheck()
const folders = useTempFolders()

/** Reads and changes; what they would change is looked at afterwards. */
const REQUESTS = [
  ['GET', 'mirrors', undefined],
  ['GET', 'status', undefined],
  ['PUT', 'mirrors/evil', '{"protocol": "npm", "upstreams": ["http://127.0.0.1:1/"]}'],
  ['PUT', 'policy', '{"deny": ["pkg:npm/*"]}'],
  ['POST', 'policy/blocks', '{"purl": "pkg:npm/left-pad"}'],
  ['DELETE', 'mirrors/npm', undefined],
] as const

interface Attack {
  readonly headers: (token: string) => Record<string, string>
  /** Whether it comes in at a listener that is not for it. */
  readonly elsewhere?: boolean
  readonly status: number
  readonly code: string
}

const right = (token: string) => ({ authorization: `Bearer ${token}` })

test.for<[string, Attack]>([
  ['a wrong token', { headers: () => ({ authorization: `Bearer ${'A'.repeat(43)}` }), status: 401, code: 'TOKEN_REQUIRED' }],
  [
    'the token in a cookie',
    {
      headers: (token) => ({ cookie: `token=${token}; authorization=${token}`, authorization: '' }),
      status: 401,
      code: 'TOKEN_REQUIRED',
    },
  ],
  [
    'a name that was rebound',
    { headers: (token) => ({ ...right(token), host: 'evil.test' }), status: 421, code: 'FOREIGN_HOST' },
  ],
  [
    'a page of another site',
    { headers: (token) => ({ ...right(token), origin: 'https://evil.test' }), status: 403, code: 'FOREIGN_ORIGIN' },
  ],
  ['a sandboxed page', { headers: (token) => ({ ...right(token), origin: 'null' }), status: 403, code: 'FOREIGN_ORIGIN' }],
  [
    'an image of another site',
    {
      headers: (token) => ({ ...right(token), 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }),
      status: 403,
      code: 'FOREIGN_ORIGIN',
    },
  ],
  ['a listener for mirrors', { headers: right, elsewhere: true, status: 404, code: 'NO_SUCH_MIRROR' }],
])(
  'with %s nothing is told, nothing is changed, and it is written down',
  async ([, { headers, elsewhere = false, status, code }]) => {
    const address = { host: '127.0.0.1', port: 0 }
    const config = { listen: [{ host: '127.0.0.2', port: 0 }], admin: { listen: address } }
    const node = await startAdminNode(folders.create('data'), { config })
    const client = new HttpClient(1)
    onTestFinished(() => client.close())
    const before = [(await node.ask('GET', 'mirrors')).json, (await node.ask('GET', 'policy')).json]
    for (const [method, path, body] of REQUESTS) {
      const reply = await client.get(`${elsewhere ? node.url : node.admin}/admin/v1/${path}`, {
        method,
        headers: { ...headers(node.token), ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body }),
      })
      expect([method, path, reply.status]).toEqual([method, path, status])
      expect(reply.body.toString()).not.toContain('127.0.0.1:1')
    }
    expect([(await node.ask('GET', 'mirrors')).json, (await node.ask('GET', 'policy')).json]).toEqual(before)
    await node.node.stop()
    expect(node.audited().map(({ time: _time, request: _request, ...entry }) => entry)).toEqual(
      REQUESTS.map(([method, path]) => ({
        who: 'none',
        from: '127.0.0.1',
        method,
        path: `/admin/v1/${path}`,
        outcome: 'refused',
        status,
        code,
      })),
    )
  },
)

test('without a token nothing is changed, and that it was tried is written down', async () => {
  const node = await startAdminNode(folders.create('data'))
  const changes = REQUESTS.filter(([method]) => method !== 'GET')
  for (const [method, path, body] of changes) {
    const headers: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' }
    const reply = await fetch(`${node.admin}/admin/v1/${path}`, { method, headers, ...(body === undefined ? {} : { body }) })
    expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Bearer realm="warren"'])
    await reply.text()
  }
  expect((await node.ask('GET', 'mirrors')).json.mirrors).toMatchObject([{ name: 'npm', layer: 'file' }])
  expect((await node.ask('GET', 'policy/blocks')).json.blocks).toEqual([])
  await node.node.stop()
  expect(node.audited()).toMatchObject(
    changes.map(([method, path]) => ({ who: 'none', method, path: `/admin/v1/${path}`, outcome: 'refused', status: 401 })),
  )
})

/** All of an answer, or what comes first of a stream that has no end. */
async function beginningOf(reply: Response): Promise<string> {
  if (reply.headers.get('content-type') !== 'text/event-stream') return reply.text()
  const reader = reply.body?.getReader()
  const first = await reader?.read()
  await reader?.cancel()
  return Buffer.from(first?.value ?? []).toString()
}

test('callers on other machines see nothing at all without the token, and not where it is', async (context) => {
  const [own] = Object.values(networkInterfaces()).flatMap(
    (all) => all?.filter(({ internal, family }) => !internal && family === 'IPv4') ?? [],
  )
  if (!own) return context.skip('this machine has no address but loopback')
  const data = folders.create('data')
  const node = await startAdminNode(data, { config: { admin: { listen: { host: own.address, port: 0 } } } })
  const bare = await fetch(`${node.admin}/admin/v1/status`)
  expect(bare.status).toBe(401)
  expect(await bare.text()).not.toContain(data)
  expect((await node.ask('GET', 'status')).status).toBe(200)
  expect((await fetch(`${node.admin}/healthz`)).status).toBe(200)
})

test('neither answers nor log lines nor the audit log have a secret in them', async () => {
  const upstream = await scripted()
  upstream.on(/./, answer(401, '', { 'www-authenticate': 'Basic realm="x"' }))
  const data = folders.create('data')
  const key = loadNodeKey(data)
  const mesh = new MeshFolder(data)
  const now = Date.now()
  const { membership, adminKey } = createMesh({ peer: key.peerId, addresses: [], now })
  mesh.writeMembership(membership)
  mesh.writeAdminKey(adminKey)
  const ticket = issueTicket({ adminKey, membership, role: 'member', notAfter: now + 60_000, now })
  const credentials = [
    { origin: upstream.origin, username: 'ann', password: new Secret('pass-w0rd-of-ann') },
    { origin: 'http://127.0.0.1:1', token: new Secret('t0ken-of-a-registry') },
  ]
  const node = await startAdminNode(data, { upstream: upstream.origin, config: { credentials } })
  const { json: description } = await node.ask('GET', 'openapi.json')
  const told: unknown[] = [description]
  for (const [path, methods] of Object.entries(description.paths)) {
    const target = path.replace(/^\/admin\/v1\//, '').replace('{name}', 'npm')
    for (const method of Object.keys(Object(methods)).map((one) => one.toUpperCase())) {
      const query = '?key=/npm/x&target=/npm/x&purl=pkg:npm/x&author=x'
      const body = method === 'GET' || method === 'DELETE' ? undefined : { purl: 'pkg:npm/x', password: 'pass-w0rd-of-ann' }
      const url = `${node.admin}/${path.startsWith('/admin') ? `admin/v1/${target}` : target}${query}`
      for (const authorization of [`Bearer ${node.token}`, `Bearer x${node.token}`, undefined]) {
        const reply = await fetch(url, {
          method,
          headers: { ...(authorization && { authorization }), ...(body && { 'content-type': 'application/json' }) },
          ...(body && { body: JSON.stringify(body) }),
        })
        told.push(reply.status, [...reply.headers], await beginningOf(reply))
      }
    }
  }
  await fetch(`${node.npm}x`)
  await node.ask('POST', 'mirrors/npm/test')
  expect(upstream.tally.total.requests).toBeGreaterThan(0)
  await node.node.stop()
  const seen = JSON.stringify([told, node.lines, node.audited()])
  // What is looked for would be seen.
  expect(seen).toContain(key.peerId)
  const pem = (path: string) => readFileSync(path, 'utf8').split('\n')[1] ?? ''
  const secrets = {
    password: 'pass-w0rd-of-ann',
    'password in a header': Buffer.from('ann:pass-w0rd-of-ann').toString('base64'),
    'token of a registry': 't0ken-of-a-registry',
    'node token': node.token,
    'node key': pem(join(data, 'node.key')),
    'admin key': pem(mesh.adminKeyFile),
    'mesh secret': membership.secret,
    ticket: ticket.slice(-40),
  }
  for (const [name, secret] of Object.entries(secrets)) {
    expect(secret.length, name).toBeGreaterThan(10)
    expect(seen.includes(secret), name).toBe(false)
  }
})
