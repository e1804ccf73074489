import { lstatSync, readFileSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { type Finding, note, ok, wrong } from '../finding.ts'
import type { Scene } from '../scene.ts'

/** Relative to the data folder. The token opens the admin API; with a key or the membership anybody is this node, or its admin. */
const SECRETS = ['node.token', 'node.key', 'mesh/membership.json', 'mesh/admin.key'] as const

/** A login in the file itself, where it could have been in one of its own. */
const INLINE = /^\s*(?:["']?(?:password|token)["']?)\s*:|[{,]\s*["']?(?:password|token)["']?\s*:/m

/** Whether what nobody else may know lies open. */
export function checkSecrets({ local, machine }: Scene): readonly Finding[] {
  const { config, file } = local?.settings ?? {}
  if (!config || machine.user === undefined) return []
  const found = SECRETS.flatMap((name) => check(join(config.data, name)))
  const there = SECRETS.filter((name) => look(join(config.data, name)) !== undefined)
  const inFile = file === undefined ? [] : checkFile(file)
  if (found.length > 0 || inFile.length > 0) return [...found, ...inFile]
  return there.length === 0 ? [] : [ok(`${there.join(', ')}: for the user of the node only`)]
}

function check(path: string): Finding[] {
  const stats = look(path)
  if (!stats) return []
  if (stats instanceof Error) return [note(`${path} cannot be looked at`, 'run this as the user of the node, or as root')]
  if (stats.isSymbolicLink()) return [wrong(`${path} is a symbolic link`, 'put the file itself there')]
  if ((stats.mode & 0o077) === 0) return []
  return [
    wrong(`${path} is open to other users`, `chmod 600 ${path}; who may have read it: remove it, and start the node anew`),
  ]
}

function checkFile(path: string): Finding[] {
  const stats = look(path)
  if (!stats || stats instanceof Error || (stats.mode & 0o007) === 0) return []
  try {
    if (!INLINE.test(readFileSync(path, 'utf8'))) return []
  } catch {
    return []
  }
  return [
    wrong(`${path} has logins in it, and everybody may read it`, `chmod 600 ${path}, or name files: passwordFile, tokenFile`),
  ]
}

function look(path: string): Stats | Error | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}
