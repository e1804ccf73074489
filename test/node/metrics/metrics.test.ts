import { expect, onTestFinished, test } from 'vitest'
import { Secret } from '../../../node/secret.ts'
import { serve } from '../../harness/answer.ts'
import { HttpClient } from '../../harness/http.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { parseMetrics, sumOf } from '../../harness/prometheus.ts'
import { Random } from '../../harness/random.ts'
import { ScriptedUpstream } from '../../harness/scripted.ts'
import { filesMirror, started } from '../../harness/scripted-files.ts'
import { ScriptedMaven } from '../../harness/scripted-maven.ts'
import { startNode, storeAtRest } from '../../harness/start-node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'

const SECRET = 'hunter2hunter2'

useLeakCheck()
const temp = useTempFolders()

/** A node with mirrors of three protocols before upstreams of its own, whose clients take one connection each. */
async function nodeOfThree() {
  const files = await started(new ScriptedUpstream())
  const maven = new ScriptedMaven()
  await started(maven.upstream)
  files.on('/secret-name-1.0.deb', serve(Buffer.alloc(5_000, 'x')))
  files.on('/broken', { ...serve('x'), status: 500 })
  maven.deploy('org/secret/lib/1.0/lib-1.0.jar', Buffer.alloc(7_000, 'y'))
  const node = await startNode({
    data: temp.create('data'),
    upstream: files.origin,
    config: {
      policy: { allow: [], deny: ['pkg:npm/denied-thing'], minimumAge: {}, minimumAgeExceptions: [] },
      credentials: [{ origin: files.origin, username: 'ann', password: new Secret(SECRET), share: true }],
    },
    mirrors: [
      filesMirror(files.origin, { immutable: ['*.deb'] }),
      { name: 'private-mirror', protocol: 'maven', path: '/maven/x/', upstreams: [maven.url], local: false },
      { name: 'npm', protocol: 'npm', path: '/npm/', upstreams: [`${files.origin}/npm/`], local: false },
    ],
  })
  const client = new HttpClient(1)
  onTestFinished(() => client.close())
  const ask = (path: string) => client.exchange(node.url + path)
  return { node, files, maven, client, ask, page: async () => parseMetrics(await node.metrics()) }
}

test('what clients of several protocols were answered adds up', async () => {
  const { files, ask, node, page } = await nodeOfThree()
  expect((await ask('/raw/files/secret-name-1.0.deb')).body).toHaveLength(5_000)
  await storeAtRest(node)
  // All but the first go the express lane.
  for (let i = 0; i < 4; i++) expect((await ask('/raw/files/secret-name-1.0.deb')).body).toHaveLength(5_000)
  expect((await ask('/maven/x/org/secret/lib/1.0/lib-1.0.jar')).body).toHaveLength(7_000)
  expect((await ask('/maven/x/org/secret/lib/2.0/lib-2.0.jar')).status).toBe(404)
  expect((await ask('/npm/denied-thing')).status).toBe(403)
  expect((await ask('/raw/files/broken')).status).toBe(503)
  expect((await ask('/nowhere')).status).toBe(404)
  const told = await page()
  const served = (labels: Record<string, string>) => sumOf(told, 'warren_requests_total', { outcome: 'served', ...labels })
  expect(served({ protocol: 'raw', source: 'upstream' })).toBe(1)
  expect(served({ protocol: 'raw', source: 'local' })).toBe(4)
  expect(served({ protocol: 'maven' })).toBe(1)
  expect(sumOf(told, 'warren_requests_total')).toBe(10)
  const refused = (protocol: string) =>
    told
      .get('warren_requests_total')
      ?.series.filter((one) => one.labels.protocol === protocol && one.labels.outcome !== 'served' && one.value > 0)
      .map((one) => [one.labels.outcome, one.value])
  expect(refused('maven')).toEqual([['negative', 1]])
  expect(refused('npm')).toEqual([['denied', 1]])
  expect(refused('raw')).toEqual([['trouble', 1]])
  expect(refused('none')).toEqual([['wrong', 1]])
  expect(sumOf(told, 'warren_refusals_total', { code: 'POLICY_DENIED' })).toBe(1)
  expect(sumOf(told, 'warren_response_bytes_total', { protocol: 'raw' })).toBe(25_000)
  expect(sumOf(told, 'warren_response_bytes_total', { protocol: 'maven' })).toBe(7_000)
  expect(sumOf(told, 'warren_saved_bytes_total')).toBe(20_000)
  expect(sumOf(told, 'warren_request_duration_seconds_count')).toBe(6)
  expect(sumOf(told, 'warren_request_duration_seconds_sum')).toBeGreaterThan(0)
  expect(sumOf(told, 'warren_upstream_requests_total', { upstream: new URL(files.origin).host })).toBe(files.tally.log.length)
  const { requests } = await node.status()
  expect(requests).toMatchObject({ local: 4, upstream: 2, negative: 1, denied: 1, error: 2 })
})

test('a client that leaves is counted as one, and as no trouble', async () => {
  const { files, node, client, page } = await nodeOfThree()
  const leaving = new AbortController()
  files.on('/slow', async () => {
    leaving.abort()
    await new Promise(() => {})
    return serve('')
  })
  const asked = client.exchange(`${node.url}/raw/files/slow`, { signal: leaving.signal })
  await expect(asked).rejects.toThrow()
  await eventually('it is counted', async () => sumOf(await page(), 'warren_requests_total', { outcome: 'left' }) === 1)
  expect(sumOf(await page(), 'warren_requests_total')).toBe(1)
})

test('a page says what the store, the memory, the mesh and the process have', async () => {
  const { ask, page } = await nodeOfThree()
  await ask('/raw/files/secret-name-1.0.deb')
  await eventually('the file is kept', async () => sumOf(await page(), 'warren_store_blobs') === 1)
  const told = await page()
  expect(sumOf(told, 'warren_store_bytes')).toBe(5_000)
  expect(sumOf(told, 'warren_store_storing')).toBe(1)
  expect(sumOf(told, 'warren_memory_limit_bytes')).toBe(128 << 20)
  expect(sumOf(told, 'warren_mesh_joined')).toBe(0)
  expect(sumOf(told, 'process_resident_memory_bytes')).toBeGreaterThan(1 << 20)
  expect(sumOf(told, 'process_open_fds')).toBeLessThan(sumOf(told, 'process_max_fds'))
  // What is unknown is left out: 0 would be an end of the certificate in 1970.
  expect(told.get('warren_mesh_certificate_end_timestamp_seconds')?.series).toEqual([])
  expect(told.get('warren_store_quota_bytes')?.series).toEqual([])
})

test('nothing that a client makes up becomes a series, and nothing private is on the page', async () => {
  const { node, ask, page } = await nodeOfThree()
  const others = new HttpClient(32)
  onTestFinished(() => others.close())
  await ask('/raw/files/secret-name-1.0.deb')
  await ask('/maven/x/org/secret/lib/1.0/lib-1.0.jar')
  await ask('/nowhere')
  await ask('/npm/odd-1')
  await ask('/v2/odd/manifests/1')
  await others.exchange(`${node.url}/npm/odd`, { headers: { host: 'odd.test' } })
  await others.exchange(`${node.url}/raw/files/..%2fodd`)
  const sizes = (pages: Awaited<ReturnType<typeof page>>) => [...pages].map(([name, { series }]) => [name, series.length])
  const before = sizes(await page())
  const random = new Random(7)
  const mounts = ['/npm/', '/maven/x/', '/raw/files/', '/v2/', '/', '/pypi/simple/']
  const odd = () => {
    const name = random.bytes(12).toString('base64url')
    const path = `${mounts[random.between(0, mounts.length - 1)]}odd-${name}${random.next() < 0.3 ? `?ns=${name}.test` : ''}`
    return others.exchange(node.url + path, random.next() < 0.3 ? { headers: { host: `${name}.test` } } : {})
  }
  for (let i = 0; i < 10_000; i += 50) await Promise.all(Array.from({ length: 50 }, odd))
  const told = await page()
  expect(sumOf(told, 'warren_requests_total')).toBeGreaterThanOrEqual(10_000)
  expect(sizes(told)).toEqual(before)
  const text = await node.metrics()
  for (const word of ['odd', 'secret', 'lib', 'private-mirror', 'ann', SECRET, '.test'])
    expect(text).not.toMatch(new RegExp(word))
}, 60_000)
