import { reasonOf } from '../../../node/errors.ts'
import { UnreachableError } from '../exit-codes.ts'
import type { Platform } from '../images/platform.ts'
import { printable } from '../print.ts'
import { getCargo } from './cargo.ts'
import type { Client, GotFile } from './client.ts'
import { getGo } from './go.ts'
import type { Left } from './lockfiles/locked.ts'
import { getMaven } from './maven.ts'
import type { Mirrors } from './mirrors.ts'
import { getNpm } from './npm.ts'
import { getPypi } from './pypi.ts'
import type { Cooked, Kitchen } from './recipe.ts'
import { isForPlatforms } from './scope.ts'
import { packageUrl, type Wanted } from './wanted.ts'

/** Packages that are fetched at once, each one request at a time: as many as a node asks of one upstream, or few more. */
export const AT_ONCE = 8

/** A package, all of which the node has served. */
interface GotPackage {
  readonly package: string
  readonly mirror: string
  /** Documents, too. */
  readonly files: readonly GotFile[]
}

export interface Failure {
  readonly package: string
  readonly error: string
}

export interface Warmed {
  readonly packages: readonly GotPackage[]
  readonly failures: readonly Failure[]
  readonly skipped: readonly Left[]
}

interface WarmInit {
  readonly client: Client
  readonly mirrors: Mirrors
  readonly platforms: readonly Platform[] | 'all'
  /** Told of each failure as it happens. */
  readonly onFailure: (failure: Failure) => void
}

/** Fetches packages through a node, a few at once. What fails leaves the others alone; only without a node it throws: UnreachableError. */
export async function warm(wanted: readonly Wanted[], init: WarmInit): Promise<Warmed> {
  const packages: GotPackage[] = []
  const failures: Failure[] = []
  const skipped: Left[] = []
  let away: UnreachableError | undefined
  const waiting = [...new Map(wanted.map((one) => [JSON.stringify(one), one])).values()].values()
  const work = async () => {
    for (const one of waiting) {
      if (away) return
      if (!isForPlatforms(one, init.platforms)) {
        skipped.push({ name: one.text, why: 'is for other platforms' })
        continue
      }
      try {
        packages.push(await getOne(one, init))
      } catch (error) {
        if (error instanceof UnreachableError) away = error
        else {
          const failure = { package: one.text, error: printable(reasonOf(error)) }
          failures.push(failure)
          init.onFailure(failure)
        }
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  if (away) throw away
  return { packages, failures, skipped }
}

async function getOne(wanted: Wanted, { client, mirrors, platforms }: WarmInit): Promise<GotPackage> {
  const mirror = mirrors.for(wanted)
  const { version, files } = await recipe(wanted, { client, mirrors, mirror, platforms })
  return { package: withVersion(wanted, version), mirror: mirror.name, files }
}

function recipe(wanted: Wanted, kitchen: Kitchen): Promise<Cooked> {
  switch (wanted.type) {
    case 'npm':
      return getNpm(wanted, kitchen)
    case 'pypi':
      return getPypi(wanted, kitchen)
    case 'maven':
      return getMaven(wanted, kitchen)
    case 'golang':
      return getGo(wanted, kitchen)
    case 'cargo':
      return getCargo(wanted, kitchen)
  }
}

/** With the version that a tag, or nothing, turned out to be. */
function withVersion(wanted: Wanted, version: string): string {
  if (wanted.version === version) return wanted.text
  switch (wanted.type) {
    case 'maven':
      return packageUrl(wanted.type, `${wanted.group}/${wanted.artifact}`, version)
    case 'golang':
      return packageUrl(wanted.type, wanted.module, version)
    default:
      return packageUrl(wanted.type, wanted.name, version)
  }
}
