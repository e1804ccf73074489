import { afterEach } from 'vitest'
import { isWarrenError, type WarrenError } from '../../../node/errors.ts'
import {
  UndiciUpstream,
  type UndiciUpstreamComponents,
  type UndiciUpstreamInit,
} from '../../../node/upstream/undici-upstream.ts'
import type { UpstreamRequest, UpstreamResponse } from '../../../node/upstream/upstream.ts'
import { hastyClock } from './manual-clock.ts'
import type { TestServer } from './servers.ts'

/** A signal that nobody aborts. */
export const NEVER = new AbortController().signal

const disposables: { close(): Promise<void> }[] = []

afterEach(async () => {
  // Latest first: a client before the servers that it talks to.
  for (const disposable of disposables.splice(0).reverse()) await disposable.close()
})

/** Closes something after the test. */
export async function using<T extends { close(): Promise<void> }>(started: Promise<T> | T): Promise<T> {
  const disposable = await started
  disposables.push(disposable)
  return disposable
}

/** The client under test; back-off takes no time unless a clock is given. */
export function makeUpstream(
  init: Partial<UndiciUpstreamInit> = {},
  components: UndiciUpstreamComponents = {},
): UndiciUpstream {
  const upstream = new UndiciUpstream(
    { clock: hastyClock(), ...components },
    { nodeId: 'node-1', version: '1.2.3', connectTimeout: 2_000, headersTimeout: 2_000, idleTimeout: 2_000, ...init },
  )
  disposables.push(upstream)
  return upstream
}

export function get(server: Pick<TestServer, 'origin'>, path = '/', more: Partial<UpstreamRequest> = {}): UpstreamRequest {
  return { method: 'GET', url: server.origin + path, base: server.origin, ...more }
}

export async function read(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = []
  for await (const part of body) parts.push(part)
  return Buffer.concat(parts)
}

export async function readText(response: Promise<UpstreamResponse>): Promise<string> {
  return (await read((await response).body)).toString()
}

/** The WarrenError that a promise rejects with; anything else fails the test. */
export async function failure(promise: Promise<unknown>): Promise<WarrenError> {
  try {
    await promise
  } catch (error) {
    if (isWarrenError(error)) return error
    throw error
  }
  throw new Error('it was expected to fail')
}

/** Asks again and again until it is so; fails by the test's own timeout. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}
