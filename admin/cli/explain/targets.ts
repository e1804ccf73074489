import { Client, type GotFile } from '../get/client.ts'
import type { Mirrors } from '../get/mirrors.ts'
import { parseTarget } from '../get/package-url.ts'
import { machinePlatform } from '../get/scope.ts'
import { AT_ONCE, warm } from '../get/warm.ts'
import type { Progress } from '../images/progress.ts'
import { targetOf } from '../pins/targets.ts'

/** Reads the documents of packages, which say what files there are, and fetches none of these. */
class DocumentClient extends Client {
  override async file(ask: Parameters<Client['file']>[0]): Promise<GotFile> {
    const { name, url, size = 0 } = ask
    return { kind: 'file', name, url, size, source: '', seconds: 0, verified: null }
  }
}

/** The paths at the mirrors of a node by which something that is named is asked for. Throws UsageError, UnreachableError and Error. */
export async function targetsNamed(name: string, init: { mirrors: Mirrors; progress: Progress }): Promise<string[]> {
  const target = parseTarget(name)
  if ('image' in target) {
    const { registry, name: repository, target: reference } = target.image
    return [`/v2/${repository}/manifests/${reference}?ns=${encodeURIComponent(registry)}`]
  }
  const client = new DocumentClient({ progress: init.progress, sockets: AT_ONCE })
  try {
    const { packages, failures } = await warm([target.wanted], {
      client,
      mirrors: init.mirrors,
      platforms: [machinePlatform()],
      onFailure: () => {},
    })
    const [failure] = failures
    if (failure) throw new Error(`${failure.package}: ${failure.error}`)
    return packages
      .flatMap(({ files }) => files)
      .filter(({ kind }) => kind === 'file')
      .map(({ url }) => targetOf(new URL(url)))
  } finally {
    client.close()
  }
}
