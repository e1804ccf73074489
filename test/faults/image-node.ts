import { expect, onTestFinished } from 'vitest'
import { type Clock, systemClock } from '../../node/clock.ts'
import type { Overrides } from '../../node/components.ts'
import type { Config, MirrorConfig } from '../../node/config/schema.ts'
import { type Ask, exchange, type Reply } from '../harness/http.ts'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { ScriptedHub } from '../harness/scripted-hub.ts'
import { type StartedNode, startNode } from '../harness/start-node.ts'

/** A scripted registry that stops when the test is over. */
export async function startHub(clock: Clock = systemClock): Promise<ScriptedHub> {
  const hub = await new ScriptedHub(clock).start()
  onTestFinished(() => hub.stop())
  return hub
}

export interface ImageNodeInit {
  readonly data: string
  /** Servers that stand in for registries, by the names of these. */
  readonly hubs: Readonly<Record<string, Pick<ScriptedHub, 'origin'>>>
  readonly clock?: Clock
  readonly config?: Partial<Config>
  /** Further mirrors. */
  readonly mirrors?: readonly MirrorConfig[]
  readonly overrides?: Overrides
}

/** A node with mirrors for scripted registries. */
export function startImageNode(init: ImageNodeInit): Promise<StartedNode> {
  const { data, hubs, clock = systemClock, config = {}, mirrors = [], overrides = {} } = init
  const upstream = Object.values(hubs)[0]?.origin ?? 'http://127.0.0.1:1'
  return startNode({ data, upstream, mirrors: [...imageMirrors(hubs), ...mirrors], config, overrides: { clock, ...overrides } })
}

/** One request, whose answer is none that a mirror must not give: no challenge and no redirect ever leads clients elsewhere. */
export async function ask(url: string, init: Ask = {}): Promise<Reply> {
  const reply = await exchange(url, init)
  expect([reply.headers['www-authenticate'], reply.headers.location]).toEqual([undefined, undefined])
  return reply
}

/** Status and code of an error in the form of OCI Distribution 1.1, «Error Codes». */
export function problem({ status, headers, body }: Reply): [status: number, code: string] {
  expect(headers['content-type']).toBe('application/json')
  const { errors } = JSON.parse(body.toString()) as { errors: { code: string; message: string }[] }
  expect(errors).toHaveLength(1)
  expect(errors[0]?.message).toMatch(/./)
  return [status, errors[0]?.code ?? '']
}
