import { matches } from '../../../protocols/sites.ts'
import type { VersionScheme } from './scheme.ts'

/** Or a tag that is made of one, as referrers and signatures of an image have it (OCI Distribution 1.1, «Referrers Tag Schema»). */
const DIGEST = /^[a-z0-9]+[:-][0-9a-f]{32,}(?:\.[a-z]+)?$/

/** Versions without an order, such as tags of images: a version is the one that is meant, or it is not. */
export const text: VersionScheme = {
  example: '1.25 or 1.*, joined by || (its versions have no order)',
  range(pattern) {
    const wanted = pattern.replace(/^==?/, '')
    if (!/^[^\s<>=!,|()[\]]+$/.test(wanted)) return undefined
    return (version) => matches(wanted, version)
  },
  isDigest: (version) => DIGEST.test(version),
}
