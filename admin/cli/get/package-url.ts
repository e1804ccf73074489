import { type PURL, parse } from 'purl'
import { UsageError } from '../exit-codes.ts'
import { type Platform, parsePlatform } from '../images/platform.ts'
import { type ImageReference, parseReference } from '../images/reference.ts'
import { otherMeaning } from './other-meaning.ts'
import { normalizedProject, packageUrl, type Wanted } from './wanted.ts'

/** What somebody wants: an image, as Docker or a package URL names it, or a package. */
export type Target = ImageTarget | { readonly wanted: Wanted }

export interface ImageTarget {
  readonly image: ImageReference
  readonly platform?: Platform | undefined
  /** What else the name may stand for, as a question, for when there is no such image. */
  readonly other?: string
}

const TYPES = 'npm, pypi, maven, golang, cargo, docker and oci'
const FORM = 'give pkg:TYPE/NAMESPACE/NAME@VERSION, such as pkg:npm/%40scope/name@1.0.0'

/** Reads the name of an image, or a package URL (ECMA-427). Throws UsageError. */
export function parseTarget(text: string): Target {
  if (!/^pkg:/i.test(text)) return imageNamed(text)
  // People write the scope as npm does; the first «@» would begin a version.
  const purl = parse(text.replace(/^(pkg:\/*npm\/+)@/i, '$1%40'))
  if (!purl) throw new UsageError(`${JSON.stringify(text)} is no package URL; ${FORM}`)
  const { type } = purl
  if (type === 'docker' || type === 'oci') return imageOf(purl, text)
  const { namespace, name, qualifiers } = purl
  const fullName = namespace === null ? name : `${namespace}/${name}`
  const version = purl.version ?? undefined
  const repository = qualifiers?.repository_url
  const common = {
    ...(version !== undefined && { version }),
    ...(repository !== undefined && { repository }),
  }
  switch (type) {
    case 'npm':
      return { wanted: { ...common, type, name: fullName, text: packageUrl(type, fullName, version) } }
    case 'pypi': {
      const project = normalizedProject(name)
      const file = qualifiers?.file_name
      const text = packageUrl(type, project, version)
      return { wanted: { ...common, type, name: project, text, ...(file !== undefined && { file }) } }
    }
    case 'maven': {
      if (namespace === null)
        throw new UsageError(`${JSON.stringify(text)} has no group; ${FORM.replace(/,.*/, '')}, the group first`)
      const packaging = qualifiers?.type
      const classifier = qualifiers?.classifier
      const kind = { ...(packaging !== undefined && { packaging }), ...(classifier !== undefined && { classifier }) }
      const group = namespace.replaceAll('/', '.')
      return { wanted: { ...common, ...kind, type, group, artifact: name, text: String(purl) } }
    }
    case 'golang': {
      const wanted = version !== undefined && /^\d+\.\d/.test(version) ? `v${version}` : version
      const exact = { ...common, ...(wanted !== undefined && { version: wanted }) }
      return { wanted: { ...exact, type, module: fullName, zip: true, text: packageUrl(type, fullName, wanted) } }
    }
    case 'cargo':
      return { wanted: { ...common, type, name, text: packageUrl(type, name, version) } }
    default:
      throw new UsageError(`${JSON.stringify(text)} is of a type that no mirror has; there are ${TYPES}`)
  }
}

function imageNamed(text: string): Target {
  const other = otherMeaning(text)
  if (other === undefined && text.startsWith('/'))
    throw new UsageError(
      `${JSON.stringify(text)} is a path, and no image or package URL: «warren pin» and «warren explain» take paths of mirrors, and any client fetches them from the node`,
    )
  try {
    return { image: parseReference(text), ...(other !== undefined && { other }) }
  } catch (error) {
    if (other === undefined || !(error instanceof UsageError)) throw error
    throw new UsageError(`${error.message}; ${other}`)
  }
}

/** purl-spec, types «docker» and «oci»: the registry stands in a qualifier, with the name or without it. */
function imageOf(purl: PURL, text: string): Target {
  const { type, namespace, name, version, qualifiers } = purl
  const place = qualifiers?.repository_url?.replace(/^[a-z]+:\/\//i, '').replace(/\/+$/, '')
  const path = namespace === null ? name : `${namespace}/${name}`
  const isWhole = type === 'oci' && (place?.includes('/') ?? false) && place?.split('/').at(-1) === name
  const repository = place === undefined ? path : isWhole ? place : `${place}/${path}`
  const isDigest = version?.includes(':') ?? false
  const tag = qualifiers?.tag ?? (isDigest ? undefined : (version ?? undefined))
  const reference = `${repository}${tag === undefined ? '' : `:${tag}`}${isDigest ? `@${version}` : ''}`
  const arch = qualifiers?.arch
  try {
    return { image: parseReference(reference), platform: arch === undefined ? undefined : parsePlatform(`linux/${arch}`) }
  } catch (error) {
    throw new UsageError(`${JSON.stringify(text)}: ${error instanceof Error ? error.message : error}`)
  }
}
