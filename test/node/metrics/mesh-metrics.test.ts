import { expect, test } from 'vitest'
import { MemberStats } from '../../../node/member-stats.ts'
import { serve } from '../../harness/answer.ts'
import { exchange } from '../../harness/http.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { parseMetrics, sumOf } from '../../harness/prometheus.ts'
import { ScriptedUpstream } from '../../harness/scripted.ts'
import { filesMirror, started } from '../../harness/scripted-files.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { TestMesh } from '../../harness/test-mesh.ts'

useLeakCheck()
const temp = useTempFolders()

test('a seed and a member tell of each other, and of what one fetched for the other', async () => {
  const upstream = await started(new ScriptedUpstream())
  upstream.on('/a.deb', serve(Buffer.alloc(3_000, 'a')))
  const mirrors = [filesMirror(upstream.origin, { immutable: ['*.deb'] })]
  const mesh = await TestMesh.create(temp, { upstream: upstream.origin, mirrors })
  const member = await mesh.join({ upstream: upstream.origin, mirrors })
  expect((await exchange(`${member.url}/raw/files/a.deb`)).body).toHaveLength(3_000)
  const [ofSeed, ofMember] = [parseMetrics(await mesh.seed.metrics()), parseMetrics(await member.metrics())]
  expect(sumOf(ofMember, 'warren_requests_total', { source: 'seed', protocol: 'raw' })).toBe(1)
  expect(sumOf(ofMember, 'warren_mesh_bytes_total', { direction: 'in' })).toBe(3_000)
  expect(sumOf(ofSeed, 'warren_mesh_bytes_total', { direction: 'out' })).toBe(3_000)
  expect(sumOf(ofSeed, 'warren_member_requests_total', { service: 'artifacts', status: '2xx' })).toBe(1)
  expect(sumOf(ofSeed, 'warren_requests_total')).toBe(0)
  for (const [page, role] of [
    [ofSeed, 'member'],
    [ofMember, 'seed'],
  ] as const) {
    expect(sumOf(page, 'warren_mesh_joined')).toBe(1)
    expect(sumOf(page, 'warren_mesh_peers', { state: 'connected' })).toBe(1)
    expect(sumOf(page, 'warren_mesh_peers', { state: 'connected', role })).toBe(1)
    expect(sumOf(page, 'warren_mesh_is_seed')).toBe(role === 'member' ? 1 : 0)
    expect(sumOf(page, 'warren_mesh_certificate_end_timestamp_seconds')).toBeGreaterThan(Date.now() / 1_000)
    expect(sumOf(page, 'warren_ledger_ops')).toBe(0)
    expect(sumOf(page, 'warren_ledger_lag_seconds')).toBe(0)
    expect(page.get('warren_ledger_lagging_members')?.series).toHaveLength(2)
    expect(sumOf(page, 'warren_router_lookups_total')).toBeGreaterThanOrEqual(0)
  }
})

test('answers to members are counted by service and class of status', () => {
  const stats = new MemberStats()
  for (const status of [200, 206, 404, 503, 503]) stats.answered('/blobs/v1/', status)
  stats.answered('/artifacts/v1/', 202)
  expect(stats.all).toEqual([
    { service: 'blobs', status: '2xx', count: 2 },
    { service: 'blobs', status: '4xx', count: 1 },
    { service: 'blobs', status: '5xx', count: 2 },
    { service: 'artifacts', status: '2xx', count: 1 },
  ])
})
