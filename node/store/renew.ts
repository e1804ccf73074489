import { mkdir, rename, rm } from 'node:fs/promises'

/** Moves a folder away and makes an empty one in its place. */
export async function renew(folder: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await rename(folder, to)
  await mkdir(folder, { mode: 0o700 })
}
