import { reasonOf } from '../../../node/errors.ts'
import type { WarmedUp } from '../commands/get.ts'
import { UnreachableError, UsageError } from '../exit-codes.ts'
import { mirrorAddress } from '../images/mirror-address.ts'
import { type NodeOptions, nodeAt } from '../node-address.ts'
import { askNode, refusalOf } from '../node-http.ts'
import { statusOf } from '../node-status.ts'
import { printable } from '../print.ts'

export interface PathFailure {
  readonly path: string
  readonly error: string
}

/** What a node was asked for while it was warmed up: paths at its mirrors, with their queries. */
export function targetsOf(warmed: WarmedUp | undefined): string[] {
  const files = [
    ...(warmed?.images.flatMap(({ manifests, blobs }) => [...manifests, ...blobs]) ?? []),
    ...(warmed?.packages.flatMap(({ files: all }) => all) ?? []),
  ]
  return files.map(({ url }) => targetOf(new URL(url)))
}

/** Fetches what paths at the mirrors of a node name, and lets the bytes go. Throws UsageError and UnreachableError. */
export async function warmPaths(
  paths: readonly string[],
  options: NodeOptions,
): Promise<{ targets: string[]; failures: PathFailure[] }> {
  const targets: string[] = []
  const failures: PathFailure[] = []
  if (paths.length === 0) return { targets, failures }
  const node = await mirrorsOf(options)
  for (const path of paths) {
    const url = URL.canParse(path, node) ? new URL(path, node) : undefined
    if (url?.origin !== new URL(node).origin)
      throw new UsageError(`${JSON.stringify(path)} is no path of a mirror; one is like /npm/lodash`)
    try {
      await drain(url, path)
      targets.push(targetOf(url))
    } catch (error) {
      if (error instanceof UnreachableError) throw error
      const reason = printable(reasonOf(error))
      failures.push({ path, error: reason })
      process.stderr.write(`warren: ${reason}\n`)
    }
  }
  return { targets, failures }
}

async function drain(url: URL, path: string): Promise<void> {
  const response = await askNode(url, { accept: '*/*' }, path)
  if (response.statusCode !== 200) throw new Error(`${path}: ${await refusalOf(response)}`)
  for await (const _ of response);
}

/** Path and query. */
export function targetOf({ pathname, search }: URL): string {
  return pathname + search
}

async function mirrorsOf(options: NodeOptions): Promise<string> {
  const address = nodeAt(options)
  return mirrorAddress((await statusOf(address)).node.listen, address.base)
}
