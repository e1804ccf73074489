import { clean } from '@renovatebot/pep440'

/** Names of projects (PEP 508 «Names»); the normalised ones are those that `normaliseName` leaves alone. */
const PROJECT = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?$/i
/**
 * What may stand in the name of a file. Wheels have less (PEP 427 «Escaping and Unicode»), old source archives have had all of it.
 * All of these stay as they are in a URL, in a JSON string and in an attribute of HTML.
 */
const FILE = /^[\w!~@()=,+-][\w.!~@()=,+-]*$/

/** Characters; the longest names that there are have fewer than 100, file names of theirs fewer than 250. */
const MAX_NAME = 200
const MAX_FILE = 400

/** How files end that installers take (PEP 527, and what there was before it), the longest first. */
const ENDINGS = [
  '.tar.bz2',
  '.tar.lzma',
  '.tar.zst',
  '.tar.gz',
  '.tar.xz',
  '.tar.lz',
  '.tar.Z',
  '.tar',
  '.tbz',
  '.tgz',
  '.txz',
  '.tlz',
  '.zip',
  '.whl',
  '.egg',
  '.exe',
  '.msi',
  '.rpm',
  '.deb',
  '.dmg',
]
/** What is served beside a file, at its URL with this behind it (PEP 658, PEP 503), and so never is the end of a file's own name. */
const COMPANIONS = ['.metadata', '.asc']

/** One spelling for all that name the same project (PEP 503 «Normalized Names»). */
export function normaliseName(name: string): string {
  return name.replace(/[-_.]+/g, '-').toLowerCase()
}

export function isProjectName(name: string): boolean {
  return name.length <= MAX_NAME && PROJECT.test(name)
}

/** Whether a name of a file, as a page spells it, can be part of a path here. */
export function isFileName(file: string): boolean {
  return file.length <= MAX_FILE && FILE.test(file) && !COMPANIONS.some((ending) => file.endsWith(ending))
}

/** Whether it ends as the files do that installers look for in a page of HTML. */
export function isDistribution(file: string): boolean {
  return stemOf(file) !== undefined
}

/**
 * The version that a file is of, in the normal form of PEP 440 where it is one; else what stands in its place, so that there always
 * is something that a rule can be about. `project` is normalised.
 */
export function versionOf(project: string, file: string): string {
  const stem = stemOf(file) ?? file
  const [name = '', version = '', ...tags] = stem.split('-')
  if (file.endsWith('.whl') && tags.length >= 3 && normaliseName(name) === project) return canonical(version)
  // A source archive has its name as the project wrote it, hyphens too: what is behind it is the version. No two beginnings of a
  // text are the same name, so that there is one place to look at, however many hyphens somebody puts in.
  const [whole] = new RegExp(`^${project.replaceAll('-', '[-_.]+')}-`, 'i').exec(stem) ?? []
  return whole === undefined ? stem : canonical(platformless(stem.slice(whole.length)))
}

function stemOf(file: string): string | undefined {
  const ending = ENDINGS.find((one) => file.endsWith(one))
  return ending === undefined ? undefined : file.slice(0, -ending.length)
}

/** Without the platform that eggs and Windows installers name behind the version. */
function platformless(version: string): string {
  return version.replace(/-py\d.*$|[.-](?:win|linux|macosx)[-_.\d].*$/, '')
}

/** A version in the normal form of PEP 440 where it is one. */
export function canonical(version: string): string {
  // In names of files `_` stands for what is a hyphen in a version (PEP 427).
  return clean(version.replaceAll('_', '-')) ?? version
}
