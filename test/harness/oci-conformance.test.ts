import { describe, expect, it, onTestFinished } from 'vitest'
import { flip } from './fault.ts'
import { useLeakCheck } from './leaks.ts'
import { requireConformance, runConformance } from './oci-conformance.ts'
import { makeArtifact, makeImage, makeMultiArch } from './oci-images.ts'
import { PushFront } from './push-front.ts'
import { ScriptedHub } from './scripted-hub.ts'
import { useTempFolders } from './temp.ts'

/** The suite is built once, which takes half a minute of two cores. */
const TIMEOUT_MS = 300_000

useLeakCheck()
const temp = useTempFolders()

async function registry(): Promise<ScriptedHub> {
  const hub = await new ScriptedHub().start()
  onTestFinished(() => hub.stop())
  hub.authenticates = false
  hub.redirects = 'get'
  return hub
}

describe('the conformance suite', () => {
  it('passes on the scripted registry, and says what is wrong when something is', { timeout: TIMEOUT_MS }, async (context) => {
    const program = await requireConformance(context)
    const hub = await registry()
    const image = await makeMultiArch()
    hub.publish('library/x', 'latest', image)
    hub.publish('library/x', undefined, makeArtifact(image, 'application/x.signature', Buffer.from('signed')))
    const has = { tag: 'latest', image }
    const init = () => ({ url: hub.origin, repository: 'library/x', has, work: temp.create('conformance') })
    const well = await runConformance(program, init())
    expect(well.failed).toEqual([])
    // HEAD and GET of a tag, three manifests and six blobs.
    expect(well.passed.filter((name) => /\/read-only\/(head|pull)\//.test(name))).toHaveLength(20)
    hub.hasReferrers = false
    const ill = await runConformance(program, init())
    expect(ill.failed.map(({ name }) => name)).toEqual(expect.arrayContaining(['OCI Conformance Test/read-only/referrers']))
    expect(ill.failed[0]?.why).toContain('received 404')
  })

  it('pushes through a front what it then reads, byte by byte', { timeout: TIMEOUT_MS }, async (context) => {
    const program = await requireConformance(context)
    const hub = await registry()
    let pushes = 0
    const front = await new PushFront(hub.content, hub.origin, () => pushes++).start()
    onTestFinished(() => front.stop())
    hub.publish('org/app', 'first', await makeImage())
    const init = () => ({ url: front.origin, repository: 'org/app', work: temp.create('conformance') })
    const well = await runConformance(program, init())
    expect(well.failed).toEqual([])
    // A range that ends before it begins is none (RFC 9110 section 14.1.1).
    expect(well.skipped.filter(({ name }) => !name.endsWith('/range 500-0'))).toEqual([])
    expect(well.passed.length).toBeGreaterThan(500)
    expect(pushes).toBeGreaterThan(100)
    hub.cdn.fail(/^\/blobs\//, flip(0))
    const ill = await runConformance(program, init())
    expect(ill.failed.map(({ name }) => name)).toContain('OCI Conformance Test/image/pull/blob-get')
    expect(ill.passed).toContain('OCI Conformance Test/image/pull/manifest-by-tag')
  })
})
