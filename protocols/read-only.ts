import { WarrenError } from '../node/errors.ts'

/** For a method that would change something; `where` says how and where that is done instead. */
export function notForWriting(method: string, where: string): WarrenError {
  const what = /^[A-Z]{1,16}$/.test(method) ? method : 'that method'
  return new WarrenError('METHOD_NOT_ALLOWED', `Warren is a read cache and takes no ${what} here; ${where}`)
}
