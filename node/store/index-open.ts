import type { Level } from 'level'
import { isWarrenError, reasonOf, WarrenError } from '../errors.ts'
import { STORE_VERSION } from './constants.ts'
import { isFull } from './free-space.ts'
import { VERSION_KEY } from './index-values.ts'

/** Opens LevelDB and checks that it is an index of this layout. Throws STORE_LOCKED, STORE_UNKNOWN or STORE_UNUSABLE. */
export async function openLevel(db: Level<string, string>, folder: string): Promise<void> {
  try {
    await db.open()
    await checkVersion(db, folder)
  } catch (error) {
    await db.close().catch(() => {})
    throw translated(error, folder)
  }
}

async function checkVersion(db: Level<string, string>, folder: string): Promise<void> {
  const version = await db.get(VERSION_KEY)
  if (version === String(STORE_VERSION)) return
  const [other] = await db.keys({ limit: 1 }).all()
  if (version === undefined && other === undefined) return db.put(VERSION_KEY, String(STORE_VERSION), { sync: true })
  const found = version === undefined ? 'something that is no index of Warren' : `a store of layout version ${version}`
  throw new WarrenError(
    'STORE_UNKNOWN',
    `${folder} holds ${found}, this Warren reads version ${STORE_VERSION}: start the version that wrote it, or move the folder away`,
  )
}

function translated(error: unknown, folder: string): WarrenError {
  if (isWarrenError(error)) return error
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const locked = cause instanceof Error && 'code' in cause && cause.code === 'LEVEL_LOCKED'
  if (locked) return new WarrenError('STORE_LOCKED', `another node uses the store in ${folder}`, { cause })
  return new WarrenError('STORE_UNUSABLE', `the index in ${folder} cannot be opened: ${reasonOf(cause)}; ${remedyFor(cause)}`, {
    cause,
  })
}

function remedyFor(cause: unknown): string {
  return isFull(cause) ? 'free some megabytes on its disk' : 'if it is damaged, move the folder of the store away'
}
