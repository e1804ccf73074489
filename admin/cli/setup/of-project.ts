import { sep } from 'node:path'
import type { Machine } from '../doctor/scene.ts'

/** Whether a setting is of a project in the working folder: that may be somebody else's, of a repository that was cloned. */
export function isOfProject(where: string, { folder, home, accountHome }: Machine): boolean {
  return folder !== home && folder !== accountHome && where.startsWith(folder + sep)
}
