import { describe, expect, it } from 'vitest'
import { WarrenError } from '../../../node/errors.ts'
import { MemoryUpstream } from '../../../node/upstream/memory-upstream.ts'
import { CONFORMANCE_IDLE, upstreamConformance } from '../../conformance/upstream.ts'
import { failure, NEVER, readText } from './fixture.ts'

upstreamConformance('MemoryUpstream', async (script) => {
  const upstream = new MemoryUpstream(script, { idleTimeout: CONFORMANCE_IDLE })
  return { upstream, base: 'https://registry.example.test', stop: () => upstream.close() }
})

describe('MemoryUpstream', () => {
  const base = 'https://registry.example.test/'

  it('remembers and counts what it was asked', async () => {
    const upstream = new MemoryUpstream(() => ({ body: 'x' }))
    for (const path of ['a', 'b', 'a']) await readText(upstream.fetch({ method: 'GET', url: base + path, base }, NEVER))
    expect(upstream.requests.map(({ url }) => url)).toEqual([`${base}a`, `${base}b`, `${base}a`])
    expect([upstream.count(`${base}a`), upstream.count(`${base}c`)]).toEqual([2, 0])
  })

  it('fails as its script does', async () => {
    const upstream = new MemoryUpstream(() => {
      throw new WarrenError('UPSTREAM_UNREACHABLE', 'scripted')
    })
    const error = await failure(upstream.fetch({ method: 'GET', url: base, base }, NEVER))
    expect(error).toMatchObject({ code: 'UPSTREAM_UNREACHABLE', message: 'scripted' })
  })
})
