import { readFileSync } from 'node:fs'

/** Version of this software, from package.json: two folders up in a checkout, three in the built package. */
export const VERSION: string = (() => {
  for (const up of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as {
        name?: string
        version?: string
      }
      if (name === 'warren-mesh' && version) return version
    } catch {
      // Not here; the next place.
    }
  }
  return '0.0.0'
})()
