import { mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Makes a folder stand for the one in which a client keeps everything: what is in that is linked, so that its caches are the same, and
 * what the client adds to them stays.
 * @param init.own names that the folder has for itself
 * @param init.shared folders that are made there, so that what goes into them is not lost with the job
 * @param init.files files that the client makes there by itself, such as locks of what is shared
 */
export function linkHome(
  home: string,
  folder: string,
  init: { readonly own: readonly string[]; readonly shared: readonly string[]; readonly files?: readonly string[] },
): void {
  for (const name of init.shared) mkdirSync(join(home, name), { recursive: true })
  const names = new Set([...readdirSync(home), ...(init.files ?? [])])
  for (const name of names) if (!init.own.includes(name)) symlinkSync(join(home, name), join(folder, name))
}
