import type { WarrenError } from '../../node/errors.ts'
import { type Advice, errorText, plainText } from '../error-text.ts'

const ADVICE: Advice = { tell: 'whoever runs the repository', takenDown: 'choose another version' }

/** Where a mirror is, and no file below it. */
const MOUNT = /^\/maven\/[^/.]+\/?$/
const FILES_BELOW =
  'this is the address of a repository, for <url> in settings.xml or the like: only the files below it can be had'

/**
 * An error as one line of text. Repositories have no form of their own for errors: clients go by the status, and show a body only
 * when somebody looks at it, such as whoever opens the address of a mirror, which is no page at many upstreams.
 */
export function formatError(error: WarrenError, path: string): { contentType: string; body: string } {
  return plainText(errorText(error, MOUNT.test(path) ? { ...ADVICE, absent: FILES_BELOW } : ADVICE))
}
