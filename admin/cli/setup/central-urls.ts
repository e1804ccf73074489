import { PackageURL, UrlConverter } from '@socketregistry/packageurl-js'
import { builtIns } from '../../../node/built-ins.ts'

const PURL = 'pkg:maven/g/a@1'
const PATH = 'g/a/1/a-1.jar'

/** Base URLs under which builds know the central repository of Maven: it has two names. */
export function centralUrls(): string[] {
  const { download } = UrlConverter.getAllUrls(PackageURL.fromString(PURL))
  const older = download?.url.endsWith(PATH) ? [download.url.slice(0, -PATH.length)] : []
  const known = builtIns.filter(({ protocol }) => protocol === 'maven').flatMap(({ upstreams }) => upstreams)
  return [...new Set([...older, ...known])]
}
