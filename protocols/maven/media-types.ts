/** What the endings of files in repositories stand for; upstreams differ, and members send no type at all. */
const TYPES: Readonly<Record<string, string>> = {
  jar: 'application/java-archive',
  war: 'application/java-archive',
  ear: 'application/java-archive',
  pom: 'text/xml',
  xml: 'text/xml',
  module: 'application/vnd.org.gradle.module+json',
  json: 'application/json',
  asc: 'text/plain',
  sha512: 'text/plain',
  sha256: 'text/plain',
  sha1: 'text/plain',
  md5: 'text/plain',
}

/** The media type of a file by its name. Never that of a page: nothing from a repository is one of ours. */
export function mediaType(path: string): string {
  return TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
}

/** Whether somebody else's web page came, as networks with a login send in answer to everything. */
export function isPage(headers: Readonly<Record<string, string>>, path: string): boolean {
  return /^(?:text\/html|application\/xhtml\+xml)\b/i.test(headers['content-type'] ?? '') && !/\.x?html?$/i.test(path)
}
