import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { answer, json, serve } from '../harness/answer.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { ScriptedUpstream, type Step } from '../harness/scripted.ts'
import { useTempFolders } from '../harness/temp.ts'
import { type MeshNode, TestMesh } from '../harness/test-mesh.ts'

/** Of twenty in one process each would get so little of two cores that nobody answers in time; `bench` has them in processes. */
const MEMBERS = 8
const BYTES = new Random(6).bytes((12 << 20) + 5)
const SHA256 = createHash('sha256').update(BYTES).digest('hex')
const INTEGRITY = `sha512-${createHash('sha512').update(BYTES).digest('base64')}`
const MANIFEST = '/large/1.0.0'
/** All of them share two cores with the upstream. */
const PATIENT = { connectTimeout: 60_000, headersTimeout: 60_000, idleTimeout: 60_000, concurrency: 16, patience: 100, ca: [] }
const TARBALL = '/large/-/large-1.0.0.tgz'

function manifestOf(origin: string) {
  return json({ name: 'large', version: '1.0.0', dist: { integrity: INTEGRITY, tarball: origin + TARBALL } })
}

async function upstreamWith(...tarball: [Step, ...Step[]]): Promise<ScriptedUpstream> {
  const upstream = await new ScriptedUpstream().start()
  onTestFinished(() => upstream.stop())
  return upstream.on(MANIFEST, manifestOf(upstream.origin)).on(TARBALL, ...tarball)
}

/** What a client gets of the tarball, as its sha256. */
async function fetched({ npm }: MeshNode): Promise<string> {
  const response = await fetch(npm.slice(0, -1) + TARBALL)
  const hash = createHash('sha256')
  for await (const bytes of response.body ?? []) hash.update(bytes)
  return `${response.status} ${hash.digest('hex')}`
}

useLeakCheck()
const temp = useTempFolders()

describe('a crowd of whole nodes that want one large blob, which nobody has', () => {
  it('gets it by the one copy that upstream gives, of which the seed sends less than half', { timeout: 300_000 }, async () => {
    // Whoever is not answered in time by the seed may ask upstream itself, and has to come back.
    const upstream = await upstreamWith(serve(BYTES), answer(503, 'once is enough'))
    const config = { upstream: PATIENT }
    const mesh = await TestMesh.create(temp, { upstream: upstream.origin, config })
    const nodes: MeshNode[] = []
    while (nodes.length < MEMBERS) {
      nodes.push(...(await Promise.all(Array.from({ length: 4 }, () => mesh.join({ upstream: upstream.origin, config })))))
    }
    expect(await Promise.all(nodes.map(fetched))).toEqual(Array(MEMBERS).fill(`200 ${SHA256}`))
    const sent = (await mesh.seed.status()).mesh.bytesOut
    expect(sent).toBeGreaterThanOrEqual(BYTES.length)
    // One copy, and further ones for whoever was not answered in time: all of them share two cores.
    expect(sent).toBeLessThan((BYTES.length * MEMBERS) / 2)
    const peers = (await Promise.all(nodes.map((node) => node.peers()))).flat()
    expect(peers.filter(({ quarantine }) => quarantine !== null)).toEqual([])
  })
})
