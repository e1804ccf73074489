import { type Stats, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from '../../../../node/errors.ts'
import { shortageText } from '../../../../node/permanence/shortage-text.ts'
import { formatBytes } from '../../format.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import type { Scene } from '../scene.ts'

/** Times `store.minFree` below which it is worth a word. */
const NEARLY = 2

/** Whose the data folder is, who may change it, and how much more fits on its disk. */
export function checkDataFolder(scene: Scene): readonly Finding[] {
  const { config } = scene.local?.settings ?? {}
  const full = shortage(scene)
  if (!config) return full
  let stats: Stats | undefined
  try {
    stats = statSync(config.data, { throwIfNoEntry: false })
  } catch (error) {
    return [
      ...full,
      wrong(`${config.data} cannot be looked at: ${reasonOf(error)}`, 'run this as the user of the node, or as root'),
    ]
  }
  if (!stats) return [...full, note(`${config.data} is not there yet`, 'a node makes it when it starts')]
  return [
    ...permissions(config.data, stats, scene),
    ...full,
    ...(full.length > 0 ? [] : room(config.data, config.store.minFree)),
  ]
}

function permissions(path: string, { mode, uid }: Stats, { machine, node }: Scene): Finding[] {
  if (machine.user === undefined) return []
  const owner = node?.examination?.process.user?.id
  const found: Finding[] = []
  if (owner !== undefined && owner !== 0 && owner !== uid)
    found.push(wrong(`${path} belongs to user ${uid}, and the node runs as user ${owner}`, `chown -R ${owner} ${path}`))
  if ((mode & 0o022) !== 0)
    found.push(wrong(`others may change ${path} (mode ${octal(mode)}), and so what this node hands out`, `chmod 700 ${path}`))
  else if ((mode & 0o055) !== 0 && isOpen(join(path, 'store')))
    found.push(note(`others may read ${path} (mode ${octal(mode)}), what came with logins included`, `chmod 700 ${path}`))
  if (found.length > 0) return found
  return [ok((mode & 0o055) === 0 ? `${path} is nobody else's` : `nobody else may change ${path}, or read what it keeps`)]
}

/** Whether others may look into a folder. */
function isOpen(folder: string): boolean {
  try {
    return ((statSync(folder, { throwIfNoEntry: false })?.mode ?? 0) & 0o055) !== 0
  } catch {
    // Not for whoever asks; for others it may be.
    return true
  }
}

function shortage({ node }: Scene): Finding[] {
  if (!node || node.status.store.storing) return []
  const { shortage = 'disk', evicted } = node.status.store
  const text = shortageText(shortage ?? 'disk', {
    isSeed: node.status.mesh.role === 'seed',
    obstacle: evicted?.obstacle ?? null,
  })
  return [wrong(text, 'make room on that disk, or change store.minFree or store.quota')]
}

function room(path: string, minFree: { readonly bytes: number } | { readonly share: number }): Finding[] {
  const { bavail, bsize, blocks } = statfsSync(path)
  const free = bavail * bsize
  const least = 'share' in minFree ? blocks * bsize * minFree.share : minFree.bytes
  const text = `${formatBytes(free)} free on its disk; below ${formatBytes(Math.round(least))} nothing more is stored (store.minFree)`
  if (free < least) return [wrong(text, 'make room on that disk, or change store.minFree')]
  return [free < least * NEARLY ? note(text, 'make room before long') : ok(text)]
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}
