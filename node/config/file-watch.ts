import { type FSWatcher, realpathSync, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'
import { WATCH_SETTLE } from './constants.ts'

/**
 * Tells when files may have changed, appeared or gone. It watches folders, because editors and configuration managers put a
 * new file in the place of the old one; and where a folder is not there yet, the nearest one above it.
 */
export class FileWatch {
  readonly #files: readonly string[]
  readonly #onChange: () => void
  readonly #watchers = new Map<string, { readonly inode: bigint; readonly watcher: FSWatcher }>()
  #timer: NodeJS.Timeout | undefined
  #running = false
  #seen = ''

  constructor(init: { files: readonly string[]; onChange(): void }) {
    this.#files = init.files
    this.#onChange = init.onChange
  }

  start(): void {
    this.#running = true
    this.#arm()
    this.#seen = this.#state()
  }

  stop(): void {
    this.#running = false
    clearTimeout(this.#timer)
    for (const folder of this.#watchers.keys()) this.#drop(folder)
  }

  /** Watches what is to be watched now: folders come and go with the files in them. */
  #arm(): void {
    const folders = new Set(this.#files.flatMap(foldersFor))
    for (const [folder, { inode }] of this.#watchers) if (!folders.has(folder) || inodeOf(folder) !== inode) this.#drop(folder)
    for (const folder of folders) if (!this.#watchers.has(folder)) this.#watch(folder)
  }

  #watch(folder: string): void {
    const inode = inodeOf(folder)
    if (inode === undefined) return
    try {
      const watcher = watch(folder, { persistent: false }, () => this.#touched())
      // A folder that goes away while it is watched; what matters is looked up again in any case.
      watcher.on('error', () => {
        this.#drop(folder)
        this.#touched()
      })
      this.#watchers.set(folder, { inode, watcher })
    } catch {
      // Out of watches, or not allowed to read it: the file then counts from the next start on.
    }
  }

  #drop(folder: string): void {
    this.#watchers.get(folder)?.watcher.close()
    this.#watchers.delete(folder)
  }

  #touched(): void {
    // Counted from the first event, not the last: in a busy folder there may never be a last one.
    if (!this.#running || this.#timer) return
    this.#timer = setTimeout(() => this.#look(), WATCH_SETTLE)
    this.#timer.unref()
  }

  #look(): void {
    this.#timer = undefined
    // Watching comes before looking, so that nothing slips in between.
    this.#arm()
    const state = this.#state()
    if (state === this.#seen) return
    this.#seen = state
    this.#onChange()
  }

  #state(): string {
    return this.#files.map((file) => stateOf(file)).join(' ')
  }
}

/** The nearest folder above a file that exists, and the one in which a link ends (Kubernetes mounts files by links). */
function foldersFor(file: string): string[] {
  let folder = dirname(file)
  while (inodeOf(folder) === undefined && dirname(folder) !== folder) folder = dirname(folder)
  try {
    return [folder, dirname(realpathSync(file))]
  } catch {
    return [folder]
  }
}

function inodeOf(path: string): bigint | undefined {
  return statOf(path)?.ino
}

function stateOf(path: string): string {
  const stat = statOf(path)
  return stat ? `${stat.ino}-${stat.size}-${stat.mtimeNs}-${stat.ctimeNs}` : '-'
}

function statOf(path: string) {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false })
  } catch {
    // Behind a folder that this user may not enter there is nothing to read either.
    return undefined
  }
}
