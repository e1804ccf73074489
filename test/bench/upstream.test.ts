import { createHash } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { get } from '../harness/http.ts'
import { packageOf, tarballPath } from './packages.ts'
import { Upstream } from './upstream.ts'

const stack = new AsyncDisposableStack()
afterEach(() => stack.disposeAsync())

test('the upstream serves archives that match its own documents, counts them, and ends when it is told to', async () => {
  const upstream = await Upstream.start(stack)
  const one = packageOf('some', { bytes: 300_000, versions: 2 })
  await upstream.prepare(one)
  await upstream.limit(50_000_000)
  const { dist } = JSON.parse((await get(`${upstream.url}/${one.name}/1.0.1`)).body.toString())
  expect(dist.tarball).toBe(upstream.url + tarballPath(one, 1))
  const { body } = await get(dist.tarball)
  expect(`sha512-${createHash('sha512').update(body).digest('base64')}`).toBe(dist.integrity)
  expect(await upstream.tarballs()).toBe(1)
  expect((await get(`${upstream.url}/nobody`)).status).toBe(404)
  await stack.disposeAsync()
  await expect(get(upstream.url)).rejects.toThrow('ECONNREFUSED')
})
