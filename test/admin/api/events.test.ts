import { expect, test } from 'vitest'
import { HttpClient } from '../../harness/http.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { type AdminNode, startAdminNode } from './admin-node.ts'

useLeakCheck()
const folders = useTempFolders()

/** The events of a stream, until `enough` of the text so far. */
async function listen(node: AdminNode, client: HttpClient) {
  const reading = await client.open(`${node.admin}/admin/v1/events`, { headers: { authorization: `Bearer ${node.token}` } })
  let text = ''
  return {
    reading,
    async until(enough: RegExp): Promise<string> {
      while (!enough.test(text)) text += (await reading.read(1 << 20)).toString()
      return text
    },
  }
}

test('counts and changes are told as they happen, and a node that stops ends the stream', async () => {
  const node = await startAdminNode(folders.create())
  const client = new HttpClient(4)
  const { reading, until } = await listen(node, client)
  expect([reading.status, reading.headers['content-type']]).toEqual([200, 'text/event-stream'])
  const counts = /^event: counts\ndata: (.*)\n\n/.exec(await until(/\n\n/))?.[1] ?? ''
  expect(JSON.parse(counts)).toMatchObject({ node: { state: 'ready' }, requests: { upstream: 0 }, mesh: { state: 'lone' } })
  expect(counts).not.toContain('"mirrors"')
  await node.ask('PUT', 'mirrors/npm', false)
  await node.ask('PUT', 'mirrors/npm', 7)
  await node.ask('DELETE', 'mirrors/npm')
  const text = await until(/"DELETE".*\n\n/)
  const changes = [...text.matchAll(/event: change\ndata: (.*)\n\n/g)].map(([, fact = '']) => JSON.parse(fact))
  expect(changes).toMatchObject([
    { method: 'PUT', path: '/admin/v1/mirrors/npm', outcome: 'done', change: { after: false } },
    { method: 'DELETE', outcome: 'done' },
  ])
  const stopped = node.node.stop()
  for (;;) if ((await reading.read(1 << 20)).length === 0) break
  expect(reading.complete).toBe(true)
  client.close()
  await stopped
})

test('who has gone is not told any more, and only so many listen at once', async () => {
  const node = await startAdminNode(folders.create())
  const client = new HttpClient(20)
  const all = await Promise.all(Array.from({ length: 16 }, () => listen(node, client)))
  for (const { until } of all) await until(/counts/)
  expect((await node.ask('GET', 'events')).json).toMatchObject({ status: 503, title: 'NODE_BUSY' })
  all[0]?.reading.abort()
  // Seen once the node has heard of it.
  for (;;) {
    const { reading } = await listen(node, client)
    if (reading.status === 200) break
  }
  client.close()
  await node.node.stop()
})

test('nobody listens without the token', async () => {
  const node = await startAdminNode(folders.create())
  expect((await node.ask('GET', 'events', undefined, { authorization: 'Bearer x' })).status).toBe(401)
})
