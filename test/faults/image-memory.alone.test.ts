import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { get, HttpClient, type Reading } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { startNodeProcess } from '../harness/node.ts'
import { makeImage } from '../harness/oci-images.ts'
import { type Layer, makeLayer } from '../harness/oci-layers.ts'
import { ScriptedHub } from '../harness/scripted-hub.ts'
import { useTempFolders } from '../harness/temp.ts'

const MIB = 1 << 20
const LARGE = 500 * MIB
const READERS = 50
const TIMEOUT_MS = 240_000

useLeakCheck()
const temp = useTempFolders()

const blobUrl = (url: string, { descriptor }: Layer) => `${url}/v2/library/x/blobs/${descriptor.digest}`

/** Reads to the end; the digest only of every tenth, since hashing all takes longer than all else. */
async function rest(reading: Reading, hashes: boolean): Promise<{ bytes: number; digest?: string }> {
  const hash = createHash('sha256')
  for (;;) {
    const part = await reading.read(MIB)
    if (part.length === 0) break
    if (hashes) hash.update(part)
  }
  return hashes ? { bytes: reading.received, digest: `sha256:${hash.digest('hex')}` } : { bytes: reading.received }
}

describe('a layer of 500 MB that nobody has', () => {
  it('goes to fifty clients at once from one request, in little memory, past one that stalls', {
    timeout: TIMEOUT_MS,
  }, async () => {
    const hub = await new ScriptedHub().start()
    onTestFinished(() => hub.stop())
    const layer = await makeLayer({ bytes: LARGE })
    hub.publish('library/x', 'latest', await makeImage({ layers: [layer] }))
    const config = { mirrors: { 'docker-hub': { upstreams: [`${hub.origin}/`] } } }
    const node = await startNodeProcess({ data: temp.create('node'), config })
    onTestFinished(() => node.stop())
    const client = new HttpClient()
    onTestFinished(() => client.close())
    // What a node takes for its first requests is not what these need.
    const small = await makeLayer({ bytes: 8 * MIB, seed: 2, gzip: false })
    hub.publish('library/x', 'small', await makeImage({ layers: [small] }))
    await get(`${node.url}/v2/library/x/manifests/small`)
    for (let times = 0; times < 20; times++) await get(blobUrl(node.url, small))
    const before = node.rss() ?? 0
    let most = before
    const watching = setInterval(() => {
      most = Math.max(most, node.rss() ?? 0)
    }, 50)
    onTestFinished(() => clearInterval(watching))
    const readings = await Promise.all(Array.from({ length: READERS }, () => client.open(blobUrl(node.url, layer))))
    const [stalled, ...others] = readings
    await stalled?.take(MIB)
    const ends = await Promise.all(others.map((one, at) => rest(one, at % 10 === 0)))
    for (const { bytes, digest = layer.descriptor.digest } of ends) {
      expect([bytes, digest]).toEqual([layer.descriptor.size, layer.descriptor.digest])
    }
    // And one of the small layer.
    expect(hub.tally.kind('GET blob').requests).toBe(2)
    expect(hub.cdn.tally.kind('GET blob').requests).toBe(2)
    // What V8 leaves of passed buffers until it collects them is most of it; a copy for each reader would be 25 GB.
    expect(most - before).toBeLessThanOrEqual(128 * MIB)
    // Whoever stalled has the whole as well, once it goes on.
    if (stalled) expect((await rest(stalled, false)).bytes).toBe(layer.descriptor.size)
  })
})
