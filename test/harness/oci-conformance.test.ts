import { expect, onTestFinished, test } from 'vitest'
import { useLeakCheck } from './leaks.ts'
import { requireConformance, runConformance } from './oci-conformance.ts'
import { makeArtifact, makeMultiArch } from './oci-images.ts'
import { ScriptedHub } from './scripted-hub.ts'
import { useTempFolders } from './temp.ts'

/** The suite is built once, which takes half a minute of two cores. */
const TIMEOUT_MS = 300_000

useLeakCheck()
const temp = useTempFolders()

test(
  'the suite of the specification passes on the scripted registry, and says what is wrong when something is',
  async (context) => {
    const program = await requireConformance(context)
    const hub = await new ScriptedHub().start()
    onTestFinished(() => hub.stop())
    hub.authenticates = false
    hub.redirects = 'get'
    const image = await makeMultiArch()
    hub.publish('library/x', 'latest', image)
    hub.publish('library/x', undefined, makeArtifact(image, 'application/x.signature', Buffer.from('signed')))
    const init = () => ({ url: hub.origin, repository: 'library/x', tag: 'latest', image, work: temp.create('conformance') })
    const well = await runConformance(program, init())
    expect(well.failed).toEqual([])
    // HEAD and GET of a tag, three manifests and six blobs.
    expect(well.passed.filter((name) => /\/read-only\/(head|pull)\//.test(name))).toHaveLength(20)
    hub.hasReferrers = false
    const ill = await runConformance(program, init())
    expect(ill.failed.map(({ name }) => name)).toEqual(expect.arrayContaining(['OCI Conformance Test/read-only/referrers']))
    expect(ill.failed[0]?.why).toContain('received 404')
  },
  TIMEOUT_MS,
)
