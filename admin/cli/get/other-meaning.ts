import { existsSync, statSync } from 'node:fs'
import { packageUrl } from './wanted.ts'

/** As npm writes a package, with or without a version; tags of images begin with a colon. */
const NPM_NAME = /^((?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*)(?:@([\w.+-]+))?$/

/** What a name that is read as that of an image may stand for instead, as a question. */
export function otherMeaning(text: string): string | undefined {
  if (existsSync(text) && statSync(text).isFile()) return `did you mean --lockfile ${text}?${lostOptions()}`
  const [, name, version] = NPM_NAME.exec(text) ?? []
  return name === undefined ? undefined : `did you mean ${packageUrl('npm', name, version)}?`
}

/** `npm run warren get --lockfile x` keeps the option for npm itself, and only `x` gets here. */
export function lostOptions(): string {
  if (process.env.npm_lifecycle_event !== 'warren') return ''
  return ' «npm run» passes options on only behind a «--»: npm run -s warren get -- --lockfile FILE'
}
