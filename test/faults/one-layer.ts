import { createHash } from 'node:crypto'
import { onTestFinished } from 'vitest'
import { HttpClient, type Reading } from '../harness/http.ts'
import { type NodeProcess, startNodeProcess } from '../harness/node.ts'
import { makeImage } from '../harness/oci-images.ts'
import { type Layer, makeLayer } from '../harness/oci-layers.ts'
import type { ScriptedHub } from '../harness/scripted-hub.ts'
import { startHub } from './image-node.ts'

const PART_BYTES = 1 << 20

/** A registry with one image of one layer; it stops when the test is over. */
export async function hubWithLayer(bytes: number): Promise<{ hub: ScriptedHub; layer: Layer }> {
  const hub = await startHub()
  const layer = await makeLayer({ bytes })
  hub.publish('library/x', 'latest', await makeImage({ layers: [layer] }))
  return { hub, layer }
}

/** A node in a process of its own, which stops when the test is over. */
export async function startProcessBefore(hub: ScriptedHub, data: string): Promise<NodeProcess> {
  const config = { mirrors: { 'docker-hub': { upstreams: [`${hub.origin}/`] } } }
  const node = await startNodeProcess({ data, config })
  onTestFinished(() => node.stop())
  return node
}

/** Keeps connections until the test is over. */
export function openClient(): HttpClient {
  const client = new HttpClient()
  onTestFinished(() => client.close())
  return client
}

export const blobUrl = (url: string, { descriptor }: Layer) => `${url}/v2/library/x/blobs/${descriptor.digest}`

/** Reads to the end. @param hashes whether the digest is wanted: it takes longer than all else */
export async function readRest(reading: Reading, hashes: boolean): Promise<{ bytes: number; digest?: string }> {
  const hash = createHash('sha256')
  for (;;) {
    const part = await reading.read(PART_BYTES)
    if (part.length === 0) break
    if (hashes) hash.update(part)
  }
  return hashes ? { bytes: reading.received, digest: `sha256:${hash.digest('hex')}` } : { bytes: reading.received }
}
