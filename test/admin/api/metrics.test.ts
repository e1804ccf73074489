import { expect, test } from 'vitest'
import { useTempFolders } from '../../harness/temp.ts'
import { startFakeNode } from '../fake-node.ts'

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
