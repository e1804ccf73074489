import { expect, it, onTestFinished } from 'vitest'
import { imageMirrors } from '../harness/image-mirrors.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { requireConformance, runConformance } from '../harness/oci-conformance.ts'
import { makeArtifact, makeImage, makeMultiArch } from '../harness/oci-images.ts'
import { PushFront } from '../harness/push-front.ts'
import { ScriptedHub } from '../harness/scripted-hub.ts'
import { ShiftedClock } from '../harness/shifted-clock.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'

/** The suite is built once, which takes half a minute of two cores. */
const TIMEOUT_MS = 300_000

useLeakCheck()
const temp = useTempFolders()

async function setUp() {
  const hub = await new ScriptedHub().start()
  onTestFinished(() => hub.stop())
  const clock = new ShiftedClock()
  const mirrors = imageMirrors({ 'docker.io': hub })
  const node = await startNode({ data: temp.create('node'), upstream: hub.origin, mirrors, overrides: { clock } })
  return { hub, clock, node }
}

it('a node passes the pull tests of the distribution specification', { timeout: TIMEOUT_MS }, async (context) => {
  const program = await requireConformance(context)
  const { hub, node } = await setUp()
  const image = await makeMultiArch()
  hub.publish('org/x', 'latest', image)
  hub.publish('org/x', undefined, makeArtifact(image, 'application/x.signature', Buffer.from('signed')))
  for (const round of ['cold', 'warm']) {
    const has = { tag: 'latest', image }
    const work = temp.create(`conformance-${round}`)
    const report = await runConformance(program, { url: node.url, repository: 'org/x', has, work })
    expect(report.failed).toEqual([])
    expect(report.passed.filter((name) => /\/read-only\/(head|pull)\//.test(name))).toHaveLength(20)
  }
})

it('a node hands on what the suite pushes to its upstream', { timeout: TIMEOUT_MS }, async (context) => {
  const program = await requireConformance(context)
  const { hub, clock, node } = await setUp()
  const front = await new PushFront(hub.content, node.url, () => clock.pass(120_000)).start()
  onTestFinished(() => front.stop())
  hub.publish('org/app', 'first', await makeImage())
  const report = await runConformance(program, { url: front.origin, repository: 'org/app', work: temp.create('conformance') })
  expect(report.failed).toEqual([])
  // A range that ends before it begins is none (RFC 9110 section 14.1.1).
  expect(report.skipped.filter(({ name }) => !name.endsWith('/range 500-0'))).toEqual([])
  expect(report.passed.length).toBeGreaterThan(500)
})
