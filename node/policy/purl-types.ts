import { maven } from './versions/maven.ts'
import { python } from './versions/python.ts'
import type { VersionScheme } from './versions/scheme.ts'
import { semantic } from './versions/semantic.ts'
import { text } from './versions/text.ts'

/** What a type of package URLs says about names and versions (purl-spec «Types»). */
export interface PurlType {
  readonly versions: VersionScheme
  /** Name with its namespace before it, in the one spelling that is compared; `*` stays what it is. */
  canonical(name: string): string
  /** What names a package could have, in words; undefined where a rule for that name would never be about anything. */
  readonly form?: { readonly of: RegExp; readonly words: string }
  /** The type whose packages it names, if that is another one. */
  readonly of?: string
}

/** Each part of a name may be written as `*`, which stands for slashes as well. */
const SCOPED = { of: /^(?:[^@/]+$|@[^/]*\*|@[^/]+\/|\*)/, words: 'name or @scope/name' }
const GROUPED = { of: /[/*]/, words: 'group/artifact' }
const PLAIN = { of: /^[^/]+$/, words: 'a name without slashes' }
/** The first element of a path that can be fetched has a dot (Go modules reference, «Module paths»). */
const HOSTED = { of: /^[^/]*[.*]/, words: 'a path that begins with a host name' }

const same = (name: string) => name
const lower = (name: string) => name.toLowerCase()

/** Of PyPI: PEP 503, «Normalized Names». */
const pythonName = (name: string) => name.toLowerCase().replace(/[-_.]+/g, '-')
/** Registries of crates take `-` and `_`, and small and capital letters, for the same. */
const crateName = (name: string) => name.toLowerCase().replaceAll('_', '-')

/** Images of Docker Hub have no registry before their name, official ones are below `library/`. */
function imageName(name: string): string {
  const short = name.toLowerCase().replace(/^(?:index\.)?docker\.io\//, '')
  return short.includes('/') || short.startsWith('*') ? short : `library/${short}`
}

/** Package URLs of this type name images by the last part of their name only. */
function artifactName(name: string): string {
  return name.includes('/') ? imageName(name) : `*/${name.toLowerCase()}`.replace('*/*', '*')
}

/** Those whose packages mirrors know by name: a rule for others would look as if it did something. */
export const purlTypes: ReadonlyMap<string, PurlType> = new Map<string, PurlType>([
  ['npm', { versions: semantic, canonical: lower, form: SCOPED }],
  ['pypi', { versions: python, canonical: pythonName, form: PLAIN }],
  ['maven', { versions: maven, canonical: same, form: GROUPED }],
  ['golang', { versions: semantic, canonical: lower, form: HOSTED }],
  ['cargo', { versions: semantic, canonical: crateName, form: PLAIN }],
  ['docker', { versions: text, canonical: imageName }],
  ['oci', { versions: text, canonical: artifactName, of: 'docker' }],
])

/** Of what a package URL type stands for here; undefined for a type that no mirror serves. */
export function purlTypeOf(type: string): PurlType | undefined {
  return purlTypes.get(type)
}
