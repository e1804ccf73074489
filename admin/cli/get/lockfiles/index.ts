import { readFileSync, statSync } from 'node:fs'
import { basename, dirname, resolve } from 'node:path'
import { reasonOf } from '../../../../node/errors.ts'
import { UsageError } from '../../exit-codes.ts'
import { formatBytes } from '../../format.ts'
import { printable } from '../../print.ts'
import { cargoLock } from './cargo.ts'
import { goSum } from './go-sum.ts'
import type { Format, Locked } from './locked.ts'
import { mavenList } from './maven-list.ts'
import { npmLock } from './npm.ts'
import { pnpmLock } from './pnpm.ts'
import { poetryLock, uvLock } from './python.ts'
import { requirements } from './requirements.ts'
import { yarnLock } from './yarn.ts'

/** Bytes; the largest lockfiles have a tenth of it. */
const MAX_BYTES = 64 << 20

/** Those that are told by more come first. */
const FORMATS: readonly Format[] = [npmLock, pnpmLock, yarnLock, poetryLock, uvLock, cargoLock, goSum, mavenList, requirements]

const FROM_POM =
  'what a POM depends on only Maven can tell: write it down with «mvn dependency:list -DoutputFile=dependency-list.txt» and give that'

/** Reads a lockfile, of whichever kind: by its name, else by what is in it. Throws UsageError. */
export function readLockfile(path: string): Locked {
  const text = contentOf(path)
  const name = basename(path)
  const format = FORMATS.find((one) => one.name.test(name)) ?? FORMATS.find((one) => one.looksLike(text))
  if (!format) throw new UsageError(`${path}: ${isPom(name, text) ? FROM_POM : unknown()}`)
  try {
    return format.parse(text, (other) => contentOf(resolve(dirname(path), other)))
  } catch (error) {
    if (error instanceof UsageError) throw error
    // Parsers show the place in further lines.
    const [reason = ''] = reasonOf(error).split('\n', 1)
    throw new UsageError(`${path} cannot be read as ${format.title}: ${printable(reason.replace(/:$/, ''))}`)
  }
}

function contentOf(path: string): string {
  try {
    const { size } = statSync(path)
    if (size > MAX_BYTES) throw new Error(`it is larger than ${formatBytes(MAX_BYTES)}`)
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${reasonOf(error)}`)
  }
}

function isPom(name: string, text: string): boolean {
  return name.endsWith('.pom') || name === 'pom.xml' || /<project[\s>]/.test(text.slice(0, 4096))
}

function unknown(): string {
  return `is no lockfile that is known; it must be a ${FORMATS.map(({ title }) => title).join(', ')}`
}
