import { expect, test } from 'vitest'
import type { AuditEntry } from '../../../node/audit-log.ts'
import { WarrenError } from '../../../node/errors.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startFakeNode } from '../fake-node.ts'

const folders = useTempFolders()

async function watched(checkHost: () => void = () => {}) {
  const seen: AuditEntry[] = []
  const bugs: unknown[] = []
  const node = await startFakeNode(folders.create(), {
    checkHost,
    audit: (entry) => seen.push(entry),
    bug: (error) => bugs.push(error),
    peers: () => Promise.reject(new Error('the secret is hunter2')),
  })
  const ask = (path: string, init: RequestInit = {}) => fetch(node.admin + path, init)
  const bearer = { authorization: `Bearer ${node.token.value}` }
  return { node, ask, seen, bugs, bearer }
}

test('after some wrong tokens one is told to wait, while the right one passes', async () => {
  const { ask, bearer, seen } = await watched()
  const wrong = { headers: { authorization: 'Bearer wrong' } }
  for (let i = 0; i < 10; i++) expect((await ask('/admin/v1/pins', wrong)).status).toBe(401)
  const answer = await ask('/admin/v1/pins', wrong)
  expect([answer.status, await answer.json()]).toEqual([429, expect.objectContaining({ title: 'TOO_MANY_FAILURES' })])
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect((await ask('/admin/v1/pins', { headers: bearer })).status).toBe(200)
  expect(seen.map(({ code }) => code)).toEqual([...Array(10).fill('TOKEN_REQUIRED'), 'TOO_MANY_FAILURES'])
})

test('who sends no token at all is asked for it however often', async () => {
  const { ask, seen } = await watched()
  for (let i = 0; i < 15; i++) expect((await ask('/admin/v1/pins')).status).toBe(401)
  expect(seen.map(({ request: _, ...told }) => told)).toEqual([])
})

test('what is refused is written down: with a wrong token, under a foreign name, at a path that changes something', async () => {
  const { ask, seen, bearer } = await watched()
  await ask('/admin/v1/pins?secret=1', { headers: { authorization: 'Bearer wrong' } })
  await ask('/admin/v1/pins', { headers: bearer })
  await ask('/admin/v1/pins', { method: 'DELETE', headers: bearer })
  const from = { from: '127.0.0.1', outcome: 'refused' }
  expect(seen.map(({ request: _, ...told }) => told)).toEqual([
    { ...from, who: 'none', method: 'GET', path: '/admin/v1/pins', status: 401, code: 'TOKEN_REQUIRED' },
    { ...from, who: 'none', method: 'DELETE', path: '/admin/v1/pins', status: 405, code: 'METHOD_NOT_ALLOWED' },
  ])
  const foreign = await watched(() => {
    throw new WarrenError('FOREIGN_ORIGIN', 'another site')
  })
  await foreign.ask('/admin/v1/status')
  expect(foreign.seen.map(({ request: _, ...told }) => told)).toEqual([
    { ...from, who: 'none', method: 'GET', path: '/admin/v1/status', status: 403, code: 'FOREIGN_ORIGIN' },
  ])
})

test('an error that nothing expected is told to the log, and not to the caller', async () => {
  const { ask, bugs, bearer } = await watched()
  const answer = await ask('/admin/v1/peers', { headers: bearer })
  expect([answer.status, await answer.text()]).toEqual([500, expect.not.stringContaining('hunter2')])
  expect(bugs).toEqual([new Error('the secret is hunter2')])
})
