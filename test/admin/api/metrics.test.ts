import { expect, test } from 'vitest'
import { useTempFolders } from '../../harness/temp.ts'
import { startFakeNode } from '../fake-node.ts'
import { startAdminNode } from './admin-node.ts'

const folders = useTempFolders()

test('metrics are sent as the node wrote them, and are never kept on the way', async () => {
  const page = { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: 'a 1\n' }
  const { admin } = await startFakeNode(folders.create(), { metrics: async () => page })
  const answer = await fetch(`${admin}/metrics`)
  expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
    200,
    page.contentType,
    'no-store',
  ])
  expect(await answer.text()).toBe(page.text)
})

test('a node has them at a further address, too, with nothing else there', async () => {
  const listen = { host: '127.0.0.1', port: 0 }
  const { admin, lines } = await startAdminNode(folders.create(), { config: { admin: { listen, metrics: listen } } })
  const { metrics } = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'ready')
  expect(await (await fetch(`${metrics}/metrics`)).text()).toContain('warren_build_info{')
  for (const path of ['/admin/v1/status', '/admin/', '/npm/x', '/readyz'])
    expect([path, (await fetch(metrics + path)).status]).toEqual([path, 404])
  expect((await fetch(`${admin}/metrics`)).status).toBe(200)
})
