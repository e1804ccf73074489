import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HttpClient, type Reading } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { startNodeProcess } from '../harness/node.ts'
import { MemoryRecording } from '../harness/recording.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { useTempFolders } from '../harness/temp.ts'
import { integrityOf } from './behind.ts'

const VERSIONS = 6_000
const READERS = 50
/** As large as the largest packument seen. */
const BYTES = 20 << 20
const MIB = 1 << 20

/** A packument of 20 MB, as thousands of versions make it. */
function largePackument(): Buffer {
  const padding = 'x'.repeat(Math.floor(BYTES / VERSIONS) - 300)
  const versions = Array.from({ length: VERSIONS }, (_, minor) => {
    const version = `1.${minor}.0`
    const tarball = `http://registry.example.test/big/-/big-${version}.tgz`
    return [
      version,
      { name: 'big', version, description: padding, dist: { integrity: integrityOf(Buffer.from(version)), tarball } },
    ]
  })
  return Buffer.from(JSON.stringify({ name: 'big', 'dist-tags': { latest: '1.0.0' }, versions: Object.fromEntries(versions) }))
}

describe('a packument of 20 MB', () => {
  useLeakCheck()
  const temp = useTempFolders()

  it('reaches fifty clients at once from one upstream request, while the node answers others and keeps its memory', {
    timeout: 120_000,
  }, async () => {
    const recording = new MemoryRecording('http://registry.example.test/')
    const bytes = largePackument()
    expect(bytes.length).toBeGreaterThan(19 * MIB)
    recording.record('/big', 200, { 'content-type': 'application/json' }, bytes)
    const replay = await new ReplayUpstream(recording).start()
    onTestFinished(() => replay.stop())
    const config = { mirrors: { npm: { protocol: 'npm', path: '/npm/', upstreams: [replay.url] } } }
    const node = await startNodeProcess({ data: temp.create('data'), config })
    const client = new HttpClient()
    try {
      const ping = async () => expect((await client.get(`${node.url}/npm/-/ping`)).body.toString()).toBe('{}')
      const open = () => client.open(`${node.url}/npm/big`, { headers: { accept: 'application/json' } })
      const rendered = bytes.toString().replaceAll('http://registry.example.test/', `${node.url}/npm/`)

      const before = node.rss() ?? 0
      // Cold: all of them wait for one fetch and one parse.
      const readings = await Promise.all(Array.from({ length: READERS }, open))
      expect(replay.tally.total.requests).toBe(1)
      // Each has begun and none goes on reading: what is sent next waits for them, and must wait outside of memory.
      for (const reading of readings) await reading.take(MIB)
      for (let times = 0; times < 20; times++) await ping()
      expect(readings.filter(({ complete }) => complete)).toEqual([])
      // One copy for each of them would be twice as much.
      expect((node.rss() ?? 0) - before).toBeLessThan((READERS * BYTES) / 2)

      // All read on as fast as they can, and others are answered in between.
      let pings = 0
      let reading = readings.length
      const pinging = (async () => {
        while (reading > 0) {
          await ping()
          if (reading > 0) pings++
        }
      })()
      const digests = await Promise.all(readings.map((one) => rest(one).finally(() => reading--)))
      await pinging
      expect(pings).toBeGreaterThan(10)
      expect(new Set(digests)).toEqual(new Set([digestOfRest(rendered)]))
      expect(replay.tally.total.requests).toBe(1)
    } finally {
      client.close()
      await node.stop()
    }
  })
})

async function rest(reading: Reading): Promise<string> {
  const hash = createHash('sha256')
  for (;;) {
    const part = await reading.read(MIB)
    if (part.length === 0) return hash.digest('hex')
    hash.update(part)
  }
}

function digestOfRest(whole: string): string {
  return createHash('sha256').update(Buffer.from(whole).subarray(MIB)).digest('hex')
}
