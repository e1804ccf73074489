import { reasonOf } from '../../../node/errors.ts'
import { statusSchema } from '../../api/status-schema.ts'
import { ApiClient } from '../api-client.ts'
import { EXIT, UnreachableError } from '../exit-codes.ts'
import { Fetcher } from '../images/fetcher.ts'
import { Mirror } from '../images/mirror.ts'
import { mirrorAddress } from '../images/mirror-address.ts'
import { ownPlatform, parsePlatform } from '../images/platform.ts'
import { Progress } from '../images/progress.ts'
import { type PulledImage, pullImage } from '../images/pull.ts'
import { parseReference } from '../images/reference.ts'
import { summaryText, totalsOf } from '../images/summary.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { printable, styled, writeLines } from '../print.ts'

export interface GetOptions extends NodeOptions {
  readonly platform?: readonly string[]
  readonly allPlatforms?: boolean
  readonly json?: boolean
}

interface Failure {
  readonly image: string
  readonly error: string
}

/**
 * Warms a node up with container images: fetches them through it, checks them and lets the bytes go. What fails is told, and the
 * other images are still fetched. Throws UsageError and UnreachableError.
 */
export async function get(names: readonly string[], options: GetOptions): Promise<void> {
  const references = [...new Map(names.map(parseReference).map((one) => [one.text, one])).values()]
  const given = options.platform?.map(parsePlatform)
  const init = { platforms: options.allPlatforms ? ('all' as const) : (given ?? [ownPlatform()]), strict: given !== undefined }
  const mirror = new Mirror(await mirrorOf(options))
  const output = options.json ? process.stderr : process.stdout
  const progress = new Progress(output)
  const fetcher = new Fetcher({ mirror, progress })
  const images: PulledImage[] = []
  const failures: Failure[] = []
  const beganAt = performance.now()
  for (const reference of references) {
    progress.say(styled(output, 'bold', reference.text))
    try {
      const pulled = await pullImage(fetcher, reference, init)
      for (const { platform, digest } of pulled) progress.say(`  ${platform ?? 'no platform'}  ${digest}`)
      images.push(...pulled)
    } catch (error) {
      // Without a node the next image fares no better.
      if (error instanceof UnreachableError) throw error
      const reason = printable(reasonOf(error))
      failures.push({ image: reference.text, error: reason })
      process.stderr.write(`warren: ${reason}\n`)
    }
  }
  if (failures.length > 0) process.exitCode = EXIT.failure
  const totals = totalsOf(images, fetcher.fetched)
  progress.say(summaryText(totals, performance.now() - beganAt))
  if (options.json) writeLines(process.stdout, [JSON.stringify({ node: mirror.base, images, failures, totals }, null, 2)])
}

/** Where the mirrors of the running node are. Throws UnreachableError, and Error for a node that has none for images. */
async function mirrorOf(options: NodeOptions): Promise<string> {
  const { base } = nodeAt(options)
  const { data: status } = statusSchema.safeParse(await new ApiClient(base).get('/admin/v1/status'))
  if (!status)
    throw new Error(`${base} answers with something that is no status of a Warren node; is it one of another version?`)
  if (!status.mirrors.some(({ protocol }) => protocol === 'oci'))
    throw new Error(`the node at ${base} has no mirror for container images; add one with «protocol: oci» to its settings`)
  return mirrorAddress(status.node.listen, base)
}
