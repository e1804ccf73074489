import { reasonOf } from '../../../node/errors.ts'
import { EXIT, UnreachableError, UsageError } from '../exit-codes.ts'
import { Client } from '../get/client.ts'
import { readLockfile } from '../get/lockfiles/index.ts'
import type { Left } from '../get/lockfiles/locked.ts'
import { Mirrors, type NodeMirror } from '../get/mirrors.ts'
import { lostOptions } from '../get/other-meaning.ts'
import { type ImageTarget, parseTarget } from '../get/package-url.ts'
import { machinePlatform } from '../get/scope.ts'
import type { Wanted } from '../get/wanted.ts'
import { AT_ONCE, type Failure, type Warmed, warm } from '../get/warm.ts'
import { Fetcher } from '../images/fetcher.ts'
import { Mirror } from '../images/mirror.ts'
import { mirrorAddress } from '../images/mirror-address.ts'
import { ownPlatform, type Platform, parsePlatform } from '../images/platform.ts'
import { Progress } from '../images/progress.ts'
import { type PulledImage, pullImage } from '../images/pull.ts'
import { skippedLines, summaryText, type Totals, totalsOf } from '../images/summary.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { RefusedError } from '../node-http.ts'
import { statusOf } from '../node-status.ts'
import { printable, styled, writeLines } from '../print.ts'

export interface GetOptions extends NodeOptions {
  readonly platform?: readonly string[]
  readonly allPlatforms?: boolean
  readonly lockfile?: readonly string[]
  readonly mirror?: readonly string[]
  readonly json?: boolean
}

type ImageFailure = { readonly image: string; readonly error: string }

/** What became of warming a node up. */
export interface WarmedUp {
  /** Base URL of its mirrors. */
  readonly node: string
  readonly images: readonly PulledImage[]
  readonly packages: Warmed['packages']
  readonly skipped: readonly Left[]
  readonly failures: readonly (ImageFailure | Failure)[]
  readonly totals: Totals
}

/** Warms a node up, and prints what became of it as JSON if that is asked for. Throws as `warmUp`. */
export async function get(names: readonly string[], options: GetOptions): Promise<void> {
  const facts = await warmUp(names, options)
  if (options.json) writeLines(process.stdout, [JSON.stringify(facts, null, 2)])
}

/**
 * Warms a node up with images and packages: fetches them through it, checks them and lets the bytes go. What fails is told, and the
 * others are still fetched. Throws UsageError and UnreachableError.
 */
export async function warmUp(names: readonly string[], options: GetOptions): Promise<WarmedUp> {
  const { images, packages, skipped } = wantedOf(names, options)
  const given = options.platform?.map(parsePlatform)
  const node = await nodeOf(options)
  const mirrors = new Mirrors({ ...node, named: options.mirror ?? [] })
  if (images.length > 0 && !node.mirrors.some(({ protocol }) => protocol === 'oci'))
    throw new Error(
      `the node at ${node.admin} has no mirror for container images; add one with «protocol: oci» to its settings`,
    )
  const output = options.json ? process.stderr : process.stdout
  const progress = new Progress(output)
  const fetcher = new Fetcher({ mirror: new Mirror(node.base), progress })
  const client = new Client({ progress, sockets: AT_ONCE })
  const beganAt = performance.now()
  try {
    const all = options.allPlatforms === true
    const pulled = await pullAll(images, { fetcher, progress, output, platforms: all ? 'all' : given })
    const trouble = new Trouble()
    const onFailure = (failure: Failure) => trouble.tell(failure)
    const platforms = all ? 'all' : (given ?? [machinePlatform()])
    const warmed = await warm(packages, { client, mirrors, platforms, onFailure })
    trouble.end()
    const failures = [...pulled.failures, ...warmed.failures]
    if (failures.length > 0) process.exitCode = EXIT.failure
    const left = [...skipped, ...warmed.skipped]
    const totals = totalsOf(pulled.images, [...fetcher.fetched, ...client.fetched], warmed.packages.length)
    for (const line of skippedLines(left)) progress.say(line)
    const counts = { failures: failures.length, wantedPackages: packages.length > 0 || options.lockfile !== undefined }
    progress.say(summaryText(totals, performance.now() - beganAt, counts))
    return { node: node.base, images: pulled.images, packages: inOrder(warmed), skipped: left, failures, totals }
  } finally {
    client.close()
  }
}

/** What is asked for by name and by lockfile. Throws UsageError. */
function wantedOf(
  names: readonly string[],
  { lockfile = [] }: GetOptions,
): { images: ImageTarget[]; packages: Wanted[]; skipped: Left[] } {
  const hint = lostOptions()
  if (names.length + lockfile.length === 0)
    throw new UsageError(
      `nothing to get: name an image or a package (pkg:TYPE/…), or a lockfile with --lockfile${hint && `;${hint}`}`,
    )
  const problems: string[] = []
  const targets = readAll(names, parseTarget, problems)
  const locked = readAll(lockfile, readLockfile, problems)
  if (problems.length > 0) throw new UsageError(problems.join('\n'))
  const images = targets.filter((one): one is ImageTarget => 'image' in one)
  return {
    images: [...new Map(images.map((one) => [`${one.image.text} ${JSON.stringify(one.platform)}`, one])).values()],
    packages: [...targets.flatMap((one) => ('wanted' in one ? [one.wanted] : [])), ...locked.flatMap(({ wanted }) => wanted)],
    skipped: locked.flatMap(({ left }) => left),
  }
}

/** What is wrong usage goes to `problems`, to be told all at once. */
function readAll<T>(given: readonly string[], read: (one: string) => T, problems: string[]): T[] {
  return given.flatMap((one) => {
    try {
      return [read(one)]
    } catch (error) {
      if (!(error instanceof UsageError)) throw error
      problems.push(error.message)
      return []
    }
  })
}

interface PullInit {
  readonly fetcher: Fetcher
  readonly progress: Progress
  readonly output: NodeJS.WritableStream
  /** Undefined: this machine's. */
  readonly platforms: readonly Platform[] | 'all' | undefined
}

async function pullAll(
  wanted: readonly ImageTarget[],
  { fetcher, progress, output, platforms }: PullInit,
): Promise<{ images: PulledImage[]; failures: ImageFailure[] }> {
  const images: PulledImage[] = []
  const failures: ImageFailure[] = []
  for (const { image, platform, other } of wanted) {
    progress.say(styled(output, 'bold', image.text))
    const named = platforms ?? (platform && [platform])
    try {
      const init = { platforms: named ?? [ownPlatform()], strict: named !== undefined && named !== 'all' }
      const pulled = await pullImage(fetcher, image, init)
      for (const { platform: of, digest } of pulled) progress.say(`  ${of ?? 'no platform'}  ${digest}`)
      images.push(...pulled)
    } catch (error) {
      // Without a node the next image fares no better.
      if (error instanceof UnreachableError) throw error
      const absent = error instanceof RefusedError && (error.status === 404 || error.status === 403)
      const reason = printable(absent && other !== undefined ? `${reasonOf(error)}; ${other}` : reasonOf(error))
      failures.push({ image: image.text, error: reason })
      process.stderr.write(`warren: ${reason}\n`)
    }
  }
  return { images, failures }
}

/** Tells what failed, each reason once: a registry without a mirror is one for hundreds of packages. */
class Trouble {
  readonly #times = new Map<string, number>()

  tell({ package: name, error }: Failure): void {
    const times = this.#times.get(error) ?? 0
    this.#times.set(error, times + 1)
    if (times === 0) process.stderr.write(`warren: ${printable(name)}: ${error}\n`)
  }

  end(): void {
    for (const [error, times] of this.#times) if (times > 1) process.stderr.write(`warren: ${times - 1} more: ${error}\n`)
  }
}

/** As they ended they differ from run to run. */
function inOrder({ packages }: Warmed): Warmed['packages'] {
  return packages.toSorted((one, other) => (one.package < other.package ? -1 : 1))
}

/** Where the mirrors of the running node are, and which. Throws UnreachableError, and Error for what is no node. */
export async function nodeOf(options: NodeOptions): Promise<{ admin: string; base: string; mirrors: readonly NodeMirror[] }> {
  const address = nodeAt(options)
  const { node, mirrors } = await statusOf(address)
  return { admin: address.base, base: mirrorAddress(node.listen, address.base), mirrors }
}
