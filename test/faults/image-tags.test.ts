import { describe, expect, it } from 'vitest'
import { useLeakCheck } from '../harness/leaks.ts'
import { makeImage } from '../harness/oci-images.ts'
import { useTempFolders } from '../harness/temp.ts'
import { ask, startHub, startImageNode } from './image-node.ts'

useLeakCheck()
const temp = useTempFolders()

/** The path of a target, and the registry that its query names. */
function placeOf(target: string): [path: string, ns: string | null] {
  const [path = '', query] = target.split('?')
  return [path, new URLSearchParams(query).get('ns')]
}

describe('a list of tags', () => {
  it('is paged by links that lead to this node and name the registry', async () => {
    const hub = await startHub()
    const image = await makeImage()
    const tags = Array.from({ length: 8 }, (_, i) => `v${i}`)
    for (const tag of tags) hub.publish('org/app', tag, image)
    for (const form of ['absolute', 'relative'] as const) {
      hub.links = form
      const node = await startImageNode({ data: temp.create('node'), hubs: { 'quay.io': hub } })
      const starts = [
        '/v2/org/app/tags/list?ns=quay.io&n=3',
        '/v2/quay.io/org/app/tags/list?n=3',
        '/quay.io/v2/org/app/tags/list?n=3',
      ]
      for (const start of starts) {
        const seen: string[] = []
        let pages = 0
        for (let target: string | undefined = start; target !== undefined; pages++) {
          const reply = await ask(node.url + target)
          expect(reply.status).toBe(200)
          seen.push(...(JSON.parse(reply.body.toString()) as { tags: string[] }).tags)
          const [, next]: readonly (string | undefined)[] = /^<([^>]*)>; rel="next"$/.exec(`${reply.headers.link ?? ''}`) ?? []
          expect(next === undefined).toBe(reply.headers.link === undefined)
          if (next !== undefined) expect(placeOf(next)).toEqual(placeOf(start))
          target = next
        }
        expect([start, pages, seen]).toEqual([start, 3, tags])
      }
    }
  })

  it('of no tags at all is empty and has no next page, and nobody is asked for it', async () => {
    const hub = await startHub()
    hub.publish('org/app', 'v1', await makeImage())
    const node = await startImageNode({ data: temp.create('node'), hubs: { 'quay.io': hub } })
    const reply = await ask(`${node.url}/v2/org/app/tags/list?ns=quay.io&n=0`)
    expect([reply.status, JSON.parse(reply.body.toString()), reply.headers.link]).toEqual([
      200,
      { name: 'org/app', tags: [] },
      undefined,
    ])
    expect(hub.tally.total.requests).toBe(0)
  })
})
