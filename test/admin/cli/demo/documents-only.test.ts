import { expect, onTestFinished, test } from 'vitest'
import { DocumentsOnly } from '../../../../admin/cli/demo/documents-only.ts'
import { Upstream } from '../../../../admin/cli/demo/upstream.ts'
import { exchange } from '../../../harness/http.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { ReplayUpstream } from '../../../harness/replay.ts'
import { SyntheticRegistry } from '../../../harness/synthetic.ts'

useLeakCheck()

async function started(): Promise<{ registry: SyntheticRegistry; replay: ReplayUpstream; documents: DocumentsOnly }> {
  const registry = new SyntheticRegistry({ packages: 8, odd: false })
  const replay = await new ReplayUpstream(registry.recording).start()
  const upstream = new Upstream(replay.url)
  const documents = new DocumentsOnly(upstream)
  await documents.start()
  onTestFinished(async () => {
    await documents.close()
    await upstream.close()
    await replay.stop()
  })
  return { registry, replay, documents }
}

test('documents pass, with tarball URLs that lead back', async () => {
  const { registry, documents } = await started()
  for (const name of ['part-0', '@scope%2fpart-7']) {
    const { status, headers, body } = await exchange(documents.url + name, { headers: { accept: 'application/json' } })
    expect([status, headers['content-type']]).toEqual([200, 'application/json'])
    const { versions } = JSON.parse(body.toString())
    const one = registry.latest.find((made) => made.name === decodeURIComponent(name))
    expect(versions['1.1.0'].dist.tarball).toBe(new URL(one?.tarball ?? '', documents.url).href)
    expect(versions['1.1.0'].dist.integrity).toBe(one?.integrity)
  }
  expect((await exchange(`${documents.url}nowhere`)).status).toBe(404)
})

test('no tarball passes, whatever its path', async () => {
  const { registry, replay, documents } = await started()
  const [one] = registry.latest
  const path = one?.tarball.slice(1) ?? ''
  for (const asked of [path, `${path}?a=b`, path.replace('.tgz', '%2etgz')]) {
    const { status, body } = await exchange(documents.url + asked)
    expect(status).toBe(503)
    expect(body.length).toBeLessThan(200)
  }
  expect(documents.refused).toBe(2)
  // The odd spelling was asked for, and what came was no document.
  expect(replay.tally.total.requests).toBe(1)
})

test('nothing is sent upstream, and an upstream that is gone is no answer', async () => {
  const { replay, documents } = await started()
  expect((await exchange(`${documents.url}part-0`, { method: 'PUT' })).status).toBe(405)
  await replay.gone()
  expect((await exchange(`${documents.url}part-0`)).status).toBe(503)
  expect(documents.refused).toBe(0)
})
