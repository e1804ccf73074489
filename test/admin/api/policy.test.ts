import { expect, test } from 'vitest'
import { scripted } from '../../clients/behind.ts'
import { json } from '../../harness/answer.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startAdminNode } from './admin-node.ts'

const folders = useTempFolders()

async function nodeBefore() {
  const upstream = await scripted()
  upstream.on('/evil', json({ name: 'evil', versions: {}, 'dist-tags': {} }))
  const data = folders.create('data')
  const node = await startAdminNode(data, { upstream: upstream.origin })
  const get = async () => {
    const answer = await fetch(`${node.npm}evil`)
    return [answer.status, await answer.text()] as const
  }
  return { ...node, upstream, get }
}

test('a package is blocked at once, also one that is held, with the reason for whoever asks, until it is unblocked', async () => {
  const node = await nodeBefore()
  expect((await node.get())[0]).toBe(200)
  const block = { purl: 'pkg:npm/evil', reason: 'it steals tokens' }
  expect((await node.ask('POST', 'policy/blocks', block)).json).toEqual({ ...block, layer: 'overlay' })
  expect(await node.get()).toEqual([
    403,
    expect.stringContaining('pkg:npm/evil is blocked by the rule pkg:npm/evil: it steals tokens; choose another package'),
  ])
  const { blocks } = (await node.ask('GET', 'policy/blocks')).json
  expect(blocks).toEqual([{ ...block, layer: 'overlay' }])
  expect((await node.ask('DELETE', `policy/blocks?purl=${encodeURIComponent(block.purl)}`)).json).toEqual({
    still: [],
    denied: false,
  })
  expect((await node.get())[0]).toBe(200)
  expect((await node.ask('DELETE', `policy/blocks?purl=${block.purl}`)).status).toBe(404)
  await node.node.stop()
  expect(node.audited()).toMatchObject([
    { method: 'POST', outcome: 'done', change: { what: 'block pkg:npm/evil', before: null, after: block } },
    { method: 'DELETE', outcome: 'done', change: { before: block, after: null } },
    { method: 'DELETE', outcome: 'refused', code: 'NOT_FOUND' },
  ])
})

test('blocks and policy are there after the next start, each changed without the other', async () => {
  const node = await nodeBefore()
  await node.ask('POST', 'policy/blocks', { purl: 'pkg:npm/evil' })
  await node.ask('PUT', 'policy', { deny: ['pkg:npm/worse'], minimumAge: '2d' })
  await node.node.stop()
  const again = await startAdminNode(node.data, { upstream: node.upstream.origin })
  expect((await again.ask('GET', 'policy/blocks')).json.blocks).toEqual([
    { purl: 'pkg:npm/evil', reason: null, layer: 'overlay' },
  ])
  expect((await again.ask('GET', 'policy')).json).toEqual({
    effective: { allow: [], deny: ['pkg:npm/worse'], minimumAge: { default: 172_800_000 }, minimumAgeExceptions: [] },
    layers: {
      overlay: { deny: ['pkg:npm/worse'], minimumAge: '2d' },
      ledger: {},
      file: { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [] },
    },
  })
})

test('what another layer denies is not let through by this one', async () => {
  const node = await nodeBefore()
  node.node.applyPolicy({ allow: [], deny: ['pkg:npm/evil'], minimumAge: {}, minimumAgeExceptions: [] })
  await node.ask('PUT', 'policy', { deny: [], allow: ['pkg:npm/evil'] })
  expect((await node.get())[0]).toBe(403)
})

test.for([
  ['PUT', 'policy', { deny: ['evil'] }, 'body: policy.deny[0] is "evil", but must be a package URL'],
  ['PUT', 'policy', { denied: [] }, 'there is no body.denied here'],
  ['PUT', 'policy', [], 'body is a list, but must be a group of settings of the policy, as in the configuration file'],
  ['POST', 'policy/blocks', { purl: 'evil' }, 'body.purl is "evil", but must be a package URL'],
  ['POST', 'policy/blocks', { purl: 'pkg:npm/evil', reason: 'a\nb' }, 'body.reason is "a\\nb", but must be a sentence'],
  ['POST', 'policy/blocks', undefined, 'body'],
] as const)('%s %s %j is refused with a reason', async ([method, path, body, reason]) => {
  const node = await nodeBefore()
  const { status, json } = await node.ask(method, path, body)
  expect([status, json]).toEqual([400, expect.objectContaining({ detail: expect.stringContaining(reason) })])
  expect((await node.get())[0]).toBe(200)
})

test('a POST that comes again under its key is answered as before, and does nothing', async () => {
  const node = await nodeBefore()
  const key = { 'idempotency-key': '"k-1"' }
  const first = await node.ask('POST', 'policy/blocks', { purl: 'pkg:npm/evil' }, key)
  await node.ask('DELETE', 'policy/blocks?purl=pkg:npm/evil')
  const again = await node.ask('POST', 'policy/blocks', { purl: 'pkg:npm/evil' }, key)
  expect([again.status, again.json, again.headers.get('idempotency-replayed')]).toEqual([200, first.json, 'true'])
  expect((await node.ask('GET', 'policy/blocks')).json.blocks).toEqual([])
  expect((await node.ask('POST', 'policy/blocks', { purl: 'pkg:npm/other' }, key)).json.title).toBe('CONFLICT')
  const stranger = { ...key, authorization: 'Bearer wrong' }
  expect((await node.ask('POST', 'policy/blocks', { purl: 'pkg:npm/evil' }, stranger)).status).toBe(401)
  expect((await node.ask('POST', 'policy/blocks', { purl: 'pkg:npm/other' }, { 'idempotency-key': 'a b' })).status).toBe(400)
})

test('a body that is nested too deep is refused, whatever its texts hold', async () => {
  const node = await nodeBefore()
  const nested = (levels: number) => JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`)
  const answers = [31, 32].map((levels) => node.ask('PUT', 'policy', { deny: nested(levels) }))
  const details = (await Promise.all(answers)).map(({ json }) => json.detail as string)
  expect(details[0]).toContain('policy.deny[0]')
  expect(details[1]).toBe('body must be nested 32 levels deep at most')
  const reason = '\\"[[['.repeat(50)
  expect((await node.ask('POST', 'policy/blocks', { purl: 'pkg:npm/other', reason })).json.reason).toBe(reason)
})

test('a form, which a page of another site could send, is no change', async () => {
  const node = await nodeBefore()
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
    const { status } = await node.ask('POST', 'policy/blocks', { purl: 'pkg:npm/evil' }, { 'content-type': type })
    expect(status).toBe(415)
  }
  expect((await node.get())[0]).toBe(200)
})
