import { parse, type TNode } from 'txml/txml'

/** What a POM says of where it stands. */
export interface Pom {
  readonly packaging: string
  /** Further POMs without which it cannot be read: its parent, and what it imports of others («import scope»). */
  readonly needs: readonly Coordinates[]
}

export interface Coordinates {
  readonly group: string
  readonly artifact: string
  readonly version: string
}

/** What `maven-metadata.xml` says of versions. */
export interface MavenMetadata {
  /** Newest release, else newest version. */
  readonly newest: string | undefined
  /** Of a snapshot: the version in the names of its files, by extension and classifier (`jar`, `jar:sources`). */
  readonly snapshots: ReadonlyMap<string, string>
}

/** Throws Error for what is no POM. */
export function parsePom(bytes: Buffer): Pom {
  const project = rootOf(bytes, 'project')
  const parent = child(project, 'parent')
  const managed = children(child(child(project, 'dependencyManagement'), 'dependencies'), 'dependency')
  const imported = managed.filter((one) => text(one, 'scope') === 'import' && text(one, 'type') === 'pom')
  const needs = [...(parent ? [parent] : []), ...imported].flatMap((one) => {
    const [group, artifact, version] = [text(one, 'groupId'), text(one, 'artifactId'), text(one, 'version')]
    // What is put together of properties only Maven can tell.
    const isPlain = [group, artifact, version].every((part) => part !== '' && !part.includes('$') && !/[[(,]/.test(part))
    return isPlain ? [{ group, artifact, version }] : []
  })
  return { packaging: text(project, 'packaging') || 'jar', needs }
}

/** Throws Error for what is no such document. */
export function parseMetadata(bytes: Buffer): MavenMetadata {
  const versioning = child(rootOf(bytes, 'metadata'), 'versioning')
  const versions = children(child(versioning, 'versions'), 'version').map(textOf)
  const listed = children(child(versioning, 'snapshotVersions'), 'snapshotVersion').map((one) => {
    const classifier = text(one, 'classifier')
    return [text(one, 'extension') + (classifier === '' ? '' : `:${classifier}`), text(one, 'value')] as const
  })
  return {
    newest: text(versioning, 'release') || text(versioning, 'latest') || versions.at(-1),
    snapshots: new Map(listed),
  }
}

function rootOf(bytes: Buffer, name: string): TNode {
  const text = bytes.toString('utf8')
  // The parser forgives a missing end.
  if (!new RegExp(`</${name}\\s*>\\s*(?:<!--[^]*)?$`).test(text)) throw new Error(`it has no </${name}> at its end`)
  // The parser takes these two for HTML's, and where their end is missing it never ends itself. Nor has any element here no end.
  const plain = text.replace(/<(\/?)(script|style)\b/gi, '<$1x-$2')
  const nodes = parse(plain, { decodeEntities: true, skipXmlDeclaration: true, selfClosingTags: [] })
  const root = nodes.find((node): node is TNode => typeof node !== 'string' && node.tagName === name)
  if (!root) throw new Error(`it has no <${name}>`)
  return root
}

function children(node: TNode | undefined, name: string): TNode[] {
  return (node?.children ?? []).filter((one): one is TNode => typeof one !== 'string' && one.tagName === name)
}

function child(node: TNode | undefined, name: string): TNode | undefined {
  return children(node, name)[0]
}

function text(node: TNode | undefined, name: string): string {
  const found = child(node, name)
  return found ? textOf(found) : ''
}

function textOf(node: TNode): string {
  return node.children
    .filter((one) => typeof one === 'string')
    .join('')
    .trim()
}
