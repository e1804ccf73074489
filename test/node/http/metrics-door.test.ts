import { expect, test } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import { MetricsDoor } from '../../../node/http/metrics-door.ts'
import { HttpServer } from '../../../node/http/server.ts'
import { VirtualClock } from '../../harness/clock.ts'
import { client, using } from './fixture.ts'

/** A listener for metrics, beside mirrors that answer everything. */
async function scraped(page = async () => ({ contentType: 'text/plain; version=0.0.4', text: 'up 1\n' })) {
  const clock = new VirtualClock()
  const bugs: unknown[] = []
  let pages = 0
  const metrics = new MetricsDoor({
    page: () => {
      pages++
      return page()
    },
    checkHost: ({ headers }) => {
      throw new WarrenError('FOREIGN_HOST', `${headers.host} is no name of this node`)
    },
    bug: (error) => bugs.push(error),
    clock,
  })
  // Whatever belongs to other listeners would answer with this, and the express lane with a mistake.
  const other = () => expect.fail('it is not for this listener')
  const server = new HttpServer(
    {
      door: { handle: other, isPlain: () => true, atHand: other },
      admin: other,
      metrics: (request, response) => void metrics.handle(request, response),
    },
    {
      listen: [{ host: '127.0.0.1', port: 0 }],
      adminListen: { host: '127.0.0.1', port: 0 },
      metricsListen: { host: '127.0.0.1', port: 0 },
    },
  )
  using({ close: () => server.stop() })
  const { metrics: at } = await server.start()
  const origin = `http://127.0.0.1:${at && 'port' in at ? at.port : 0}`
  const http = client()
  return { clock, bugs, pages: () => pages, ask: (path: string, init = {}) => http.get(origin + path, init) }
}

test('a listener for metrics has metrics, and nothing else', async () => {
  const { ask, bugs } = await scraped()
  const page = await ask('/metrics')
  expect([page.status, page.body.toString(), page.headers['content-type']]).toEqual([
    200,
    'up 1\n',
    'text/plain; version=0.0.4',
  ])
  const paths = [
    '/',
    '/admin/',
    '/admin/v1/status',
    '/npm/x',
    '/v2/',
    '/healthz',
    '/readyz',
    '/metrics/',
    '/metricsx',
    '/metrics/../admin/',
  ]
  for (const path of paths) expect([path, (await ask(path)).status]).toEqual([path, 404])
  const post = await ask('/metrics', { method: 'POST', body: 'x' })
  expect([post.status, post.headers.allow]).toEqual([405, 'GET, HEAD'])
  expect((await ask('/metrics', { method: 'HEAD' })).body).toHaveLength(0)
  expect(bugs).toEqual([])
})

test('it may be called by any address, and by no name that is not of the node', async () => {
  const { ask } = await scraped()
  for (const host of ['10.1.2.3:7474', '[fd00::7]:7474'])
    expect([host, (await ask('/metrics', { headers: { host } })).status]).toEqual([host, 200])
  for (const host of ['evil.test', 'evil.test:7474', '127.1'])
    expect([host, (await ask('/metrics', { headers: { host } })).status]).toEqual([host, 421])
})

test('however often it is asked, a page is made once a second', async () => {
  const { ask, clock, pages } = await scraped()
  await Promise.all(Array.from({ length: 20 }, () => ask('/metrics')))
  expect(pages()).toBe(1)
  await clock.advance(1_000)
  await ask('/metrics')
  expect(pages()).toBe(2)
})

test('what nothing expected is told to the log, and not to whoever asked', async () => {
  const { ask, bugs } = await scraped(() => Promise.reject(new Error('hunter2')))
  const answer = await ask('/metrics')
  expect([answer.status, answer.body.toString()]).toEqual([500, expect.not.stringContaining('hunter2')])
  expect(bugs).toEqual([new Error('hunter2')])
})
