import { afterEach, describe, expect, it } from 'vitest'
import { isWarrenError } from '../../node/errors.ts'
import type { MemoryScript } from '../../node/upstream/memory-upstream.ts'
import type { Upstream, UpstreamRequest, UpstreamResponse } from '../../node/upstream/upstream.ts'

/** An implementation of `Upstream` together with a registry that follows a script. */
export interface UpstreamUnderTest {
  readonly upstream: Upstream
  /** Base URL of the scripted registry. */
  readonly base: string
  stop(): Promise<void>
}

/** Ms of silence after which the implementation is to give a body up. */
export const CONFORMANCE_IDLE = 150

const BYTES = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7) % 251))

/** What every upstream promises, whatever it is made of. */
export function upstreamConformance(name: string, start: (script: MemoryScript) => Promise<UpstreamUnderTest>): void {
  describe(`${name} keeps the promises of an upstream`, () => {
    const started: UpstreamUnderTest[] = []
    const never = new AbortController().signal

    afterEach(async () => {
      for (const one of started.splice(0)) await one.stop()
    })

    async function fetching(
      script: MemoryScript,
      more: Partial<UpstreamRequest> = {},
      signal: AbortSignal = never,
    ): Promise<{ response: Promise<UpstreamResponse>; upstream: Upstream; base: string }> {
      const one = await start(script)
      started.push(one)
      const request: UpstreamRequest = { method: 'GET', url: `${one.base}/some/path?q=1`, base: one.base, ...more }
      return { response: one.upstream.fetch(request, signal), upstream: one.upstream, base: one.base }
    }

    async function codeOf(promise: Promise<unknown>): Promise<string> {
      const error = await promise.then(
        () => 'no error at all',
        (thrown: unknown) => thrown,
      )
      return isWarrenError(error) ? error.code : String(error)
    }

    it('gives status, headers with lower-case names, the final URL and the bytes as they are', async () => {
      const { response, base } = await fetching(() => ({ headers: { 'x-some': 'thing', etag: '"1"' }, body: BYTES }))
      const { status, headers, url, body } = await response
      expect({ status, url }).toEqual({ status: 200, url: `${base}/some/path?q=1` })
      expect(headers).toMatchObject({ 'x-some': 'thing', etag: '"1"', 'content-length': '300000' })
      expect(Buffer.concat(await Array.fromAsync(body)).equals(BYTES)).toBe(true)
    })

    it('hands over method, headers, body and range of the request', async () => {
      const seen: UpstreamRequest[] = []
      const script: MemoryScript = (request) => {
        seen.push(request)
        return { body: 'ok' }
      }
      const post = await fetching(script, { method: 'POST', headers: { 'x-a': '1' }, body: Buffer.from('question') })
      await Array.fromAsync((await post.response).body)
      const ranged = await fetching(script, { range: { start: 5, ifRange: '"1"' } })
      await Array.fromAsync((await ranged.response).body)
      expect(seen[0]).toMatchObject({ method: 'POST', headers: { 'x-a': '1' } })
      expect(String(seen[0]?.body)).toBe('question')
      expect(seen[1]).toMatchObject({ method: 'GET', range: { start: 5, ifRange: '"1"' } })
    })

    it('yields an empty body for a HEAD and keeps the headers', async () => {
      const { response } = await fetching(() => ({ body: BYTES }), { method: 'HEAD' })
      const { headers, body } = await response
      expect(headers['content-length']).toBe('300000')
      expect(await Array.fromAsync(body)).toEqual([])
    })

    it.each([200, 204, 206, 304, 400, 401, 403, 404, 410, 416, 451])('takes %i for an answer', async (status) => {
      const { response } = await fetching(() => ({ status, body: status === 204 || status === 304 ? '' : 'x' }))
      const answer = await response
      expect(answer.status).toBe(status)
      await Array.fromAsync(answer.body)
    })

    it.each([500, 502, 503, 504, 599])('rejects with UPSTREAM_FAILED for %i', async (status) => {
      const { response } = await fetching(() => ({ status, body: 'x' }))
      expect(await codeOf(response)).toBe('UPSTREAM_FAILED')
    })

    it('rejects with UPSTREAM_BUSY and the asked-for seconds for 429', async () => {
      const { response } = await fetching(() => ({ status: 429, headers: { 'retry-after': '60' } }))
      const error = await response.catch((thrown: unknown) => thrown)
      expect(isWarrenError(error, 'UPSTREAM_BUSY') && error.retryAfter).toBeGreaterThanOrEqual(60)
    })

    it('resolves as soon as the headers are in', async () => {
      const { response } = await fetching(() => ({ body: BYTES, stallAt: 0 }))
      const { status, destroy } = await response
      destroy()
      expect(status).toBe(200)
    })

    it.each([{ chunked: false }, { chunked: true }])(
      'delivers what came before a cut, then UPSTREAM_CUT (%o)',
      async ({ chunked }) => {
        const { response } = await fetching(() => ({ body: BYTES, cutAt: 100_000, chunked }))
        let received = 0
        const reading = (async () => {
          for await (const chunk of (await response).body) received += chunk.length
        })()
        expect(await codeOf(reading)).toBe('UPSTREAM_CUT')
        expect(received).toBe(100_000)
      },
    )

    it('gives a silent body up with UPSTREAM_TIMEOUT', async () => {
      const { response } = await fetching(() => ({ body: BYTES, stallAt: 1_000 }))
      const { body } = await response
      expect(await codeOf(Array.fromAsync(body))).toBe('UPSTREAM_TIMEOUT')
    })

    it('does not take a slow reader for a silent upstream', async () => {
      const { response } = await fetching(() => ({ body: BYTES }))
      let received = 0
      for await (const chunk of (await response).body) {
        if (received === 0) await new Promise((resolve) => setTimeout(resolve, CONFORMANCE_IDLE * 3))
        received += chunk.length
      }
      expect(received).toBe(BYTES.length)
    })

    it('never ends a body cleanly that was destroyed, and takes a second destroy', async () => {
      const { response } = await fetching(() => ({ body: BYTES, stallAt: 1_000 }))
      const { body, destroy } = await response
      const reading = codeOf(Array.fromAsync(body))
      destroy()
      destroy()
      expect(await reading).toBe('UPSTREAM_CUT')
    })

    it('stops when the reader leaves its loop early', async () => {
      const { response, upstream } = await fetching(() => ({ body: BYTES, stallAt: 1_000 }))
      for await (const chunk of (await response).body) {
        expect(chunk.length).toBeGreaterThan(0)
        break
      }
      expect(upstream.health().map(({ inFlight }) => inFlight)).toEqual([0])
    })

    it('rejects with the abort reason before the headers and amid the body', async () => {
      const early = new AbortController()
      const waiting = await fetching(() => new Promise(() => {}), {}, early.signal)
      early.abort('no longer needed')
      await expect(waiting.response).rejects.toBe('no longer needed')
      const late = new AbortController()
      const { response } = await fetching(() => ({ body: BYTES, stallAt: 1_000 }), {}, late.signal)
      const reading = Array.fromAsync((await response).body)
      late.abort('changed my mind')
      await expect(reading).rejects.toBe('changed my mind')
    })

    it('refuses to start with an aborted signal', async () => {
      const { response } = await fetching(() => ({}), {}, AbortSignal.abort('too late'))
      await expect(response).rejects.toBe('too late')
    })

    it('breaks off what is under way when it is closed, takes a second close, and fetches nothing after', async () => {
      const { response, upstream, base } = await fetching(() => ({ body: BYTES, stallAt: 1_000 }))
      const reading = codeOf(Array.fromAsync((await response).body))
      await upstream.close()
      await upstream.close()
      expect(await reading).toBe('DRAINING')
      expect(await codeOf(upstream.fetch({ method: 'GET', url: base, base }, never))).toBe('DRAINING')
    })

    it('counts requests by origin', async () => {
      const { response, upstream, base } = await fetching(() => ({ body: 'x' }))
      await Array.fromAsync((await response).body)
      const { origin } = new URL(base)
      expect(upstream.health()).toMatchObject([{ origin, state: 'closed', requests: 1, inFlight: 0, failures: 0 }])
    })
  })
}
