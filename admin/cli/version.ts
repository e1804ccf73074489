import { readFileSync } from 'node:fs'
import { VERSION } from '../../node/version.ts'

/** Version, and the commit that a build was made of. */
export function versionText(): string {
  try {
    // Written by `deploy/build.mjs`; a checkout has none.
    const { commit } = JSON.parse(readFileSync(new URL('../../build.json', import.meta.url), 'utf8')) as { commit?: string }
    return commit ? `${VERSION} (${commit})` : VERSION
  } catch {
    return VERSION
  }
}
