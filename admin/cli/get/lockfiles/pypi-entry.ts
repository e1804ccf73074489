import type { Digest } from '../../../../node/digest.ts'
import { normalizedProject, type PypiWanted, packageUrl } from '../wanted.ts'
import type { Entry } from './locked.ts'

interface Pinned {
  /** As the file spells it. */
  readonly name: string
  readonly version: string
  /** Of all its files; none: whatever its page promises. */
  readonly digests: readonly Digest[]
  readonly repository: string | undefined
}

/** A project of a Python index, at one version. */
export function pypiEntry({ name, version, digests, repository }: Pinned): Entry {
  const project = normalizedProject(name)
  const wanted: PypiWanted = {
    type: 'pypi',
    name: project,
    version,
    text: packageUrl('pypi', project, version),
    ...(digests.length > 0 && { digests }),
    ...(repository !== undefined && { repository }),
  }
  return { wanted }
}
