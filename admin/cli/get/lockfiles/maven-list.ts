import { stripVTControlCharacters } from 'node:util'
import { type MavenWanted, packageUrl } from '../wanted.ts'
import { type Entry, type Format, leftOut, lockedOf } from './locked.ts'

const COORDINATES =
  /^([\w.-]+):([\w.-]+):([\w.-]+)(?::([\w.-]+))?:([^:\s]+):(compile|provided|runtime|test|system|import)(?=$|[\s:])/

/** What `mvn dependency:list` and `mvn dependency:tree` print, with or without what Maven says around it. */
export const mavenList: Format = {
  title: 'output of «mvn dependency:list»',
  name: /^dependency-(?:list|tree)\.txt$/,
  looksLike: (text) => linesOf(text).some((line) => COORDINATES.test(line)),
  parse: (text) => {
    const entries = linesOf(text).map(entryOf)
    if (entries.every((entry) => entry === undefined) && !/^none$/m.test(linesOf(text).join('\n')))
      throw new Error('it has no line such as org.example:lib:jar:1.0:compile')
    return lockedOf(entries)
  },
}

function linesOf(text: string): string[] {
  return stripVTControlCharacters(text)
    .split(/\r?\n/)
    .map((line) =>
      line
        .replace(/^\[INFO\]/, '')
        .replace(/^[\s|+\\-]+/, '')
        .trim(),
    )
}

function entryOf(line: string): Entry {
  const [, group, artifact, packaging, classifier, version, scope] = COORDINATES.exec(line) ?? []
  if (group === undefined || artifact === undefined || packaging === undefined || version === undefined) return undefined
  if (scope === 'system') return leftOut(`${group}:${artifact}`, 'is a file of this machine')
  const wanted: MavenWanted = {
    type: 'maven',
    group,
    artifact,
    version,
    packaging,
    text: packageUrl('maven', `${group}/${artifact}`, version),
    ...(classifier !== undefined && { classifier }),
  }
  return { wanted }
}
