import { isAbsolute } from 'node:path'
import { readBounded } from '../../node/config/yaml-file.ts'
import { reasonOf } from '../../node/errors.ts'
import { UsageError } from './exit-codes.ts'

/** Bytes of a file that holds a ticket or a token. */
const MAX_BYTES = 64 << 10

export interface GivenSecret {
  readonly text: string
  /** For people: where it came from. */
  readonly where: string
}

/**
 * A secret that the environment holds in `variable`, or in the file that `<variable>_FILE` names. Empty ones count as not set.
 * Throws UsageError.
 */
export function secretVariable(variable: string): GivenSecret | undefined {
  const [text, file] = [process.env[variable], process.env[`${variable}_FILE`]]
  if (text && file) throw new UsageError(`${variable}_FILE: ${variable} is set as well; set one of the two`)
  if (text) return { text: text.trim(), where: variable }
  if (!file) return undefined
  if (!isAbsolute(file)) throw new UsageError(`${variable}_FILE: ${JSON.stringify(file)} must be an absolute path`)
  return secretFile(file, `${variable}_FILE (${file})`)
}

/**
 * A secret in a file that somebody names. Not refused when others can read it: container platforms hand secrets out like that.
 * Throws UsageError.
 */
export function secretFile(file: string, where: string): GivenSecret {
  let text: string | undefined
  try {
    text = readBounded(file, MAX_BYTES)
  } catch (error) {
    throw new UsageError(`${where}: cannot be read: ${reasonOf(error)}`)
  }
  if (text === undefined) throw new UsageError(`${where}: is larger than ${MAX_BYTES} bytes`)
  return { text: text.trim(), where }
}
