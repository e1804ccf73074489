import { expect } from 'vitest'
import { Intake } from '../../../node/cache/intake.ts'
import type { Plan } from '../../../node/cache/plan.ts'
import { ArtifactService } from '../../../node/http/artifact-service.ts'
import { MemberBudgets } from '../../../node/http/member-budgets.ts'
import { MemberDoor } from '../../../node/http/member-door.ts'
import { RenderedCache } from '../../../node/http/rendered.ts'
import { ScratchPool } from '../../../node/http/scratch-pool.ts'
import { Sender } from '../../../node/http/sender.ts'
import { artifactPath } from '../../../node/mesh/artifacts/artifact-wire.ts'
import { RawConnection, rawExchange } from '../../harness/raw.ts'
import { makeCache, type Parts } from '../cache/fixture.ts'
import { parseHead, plainServer, until, using } from './fixture.ts'

/** A seed with a real cache behind its door, asked over plain HTTP by «m», for whom it brings so many new bytes a day. */
export async function fetchingSeed(parts: Parts, plans: readonly Plan[], bytes: number, fetches = 1_000) {
  const { cache, store, upstream, clock } = makeCache(parts)
  const intake = using(new Intake({ cache }))
  const service = new ArtifactService({
    cache,
    sender: new Sender({
      pool: new ScratchPool(),
      rendered: using(new RenderedCache({ onTrouble: () => {} }, { bytes: 0 })),
    }),
    upstream,
    budgets: new MemberBudgets({ clock }, { requests: 1_000, fetches, bytes, pulls: 1 }),
    intake,
    clock,
    isFetcher: () => true,
    plan: (key) => plans.find((plan) => plan.key === key),
    hasUpstreamOf: () => true,
    record: (key) => store.records.get(key),
    promised: (key) => cache.promised(key),
    learnt: (key, signal) => cache.learnt(key, signal),
    blobOf: () => undefined,
  })
  const door = new MemberDoor({ services: [service], events: { sent() {}, bug: (error) => expect.unreachable(String(error)) } })
  const origin = await plainServer((request, response) => void door.handle(request, response, { peer: 'm', role: 'member' }))
  const head = ({ key }: Plan, method: string, fields: string) =>
    `${method} ${artifactPath(key)} HTTP/1.1\r\nhost: blobs\r\n${fields}\r\n`
  const ask = async (plan: Plan, method = 'GET', fields = '') => {
    const answer = await rawExchange(origin, head(plan, method, `connection: close\r\n${fields}`))
    return parseHead(answer.replaceAll('HTTP/1.1 102 Processing\r\n\r\n', ''))
  }
  /** Asks and does not read. */
  const open = async (plan: Plan) => {
    const connection = using(await RawConnection.open(origin))
    connection.send(head(plan, 'GET', ''))
    return connection
  }
  const kept = (plan: Plan) => until(() => store.records.get(plan.key) !== undefined)
  const errorOf = async (plan: Plan) => (await ask(plan)).headers.get('x-warren-error')
  return { ask, open, kept, errorOf, upstream, store, clock }
}
