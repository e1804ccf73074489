import { join } from 'node:path'
import { type Client, filesIn, textOf } from '../../doctor/clients/client.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { SetupClient } from '../client.ts'
import type { ClientMirror } from '../mirror.ts'
import { bare, linesOf } from '../text/lines.ts'

/** In a line of `sources.list` or of a stanza (sources.list(5)). */
const URI = /(?<=\s)https?:\/\/[^\s\]]+/g

const reader: Client = {
  name: 'apt',
  programs: ['apt-get'],
  protocol: 'raw',
  read: (machine) =>
    sources(machine).flatMap((where) => {
      const lines = linesOf(textOf(where) ?? '').filter(isSource)
      return [...new Set(lines.flatMap((line) => line.match(URI) ?? []))].map((url) => ({ where, url }))
    }),
}

export const apt: SetupClient = {
  name: 'apt',
  programs: reader.programs,
  reader,
  keepsFormer: true,
  files: sources,
  edit: (text, { mirrors }) =>
    linesOf(text)
      .map((line) => (isSource(line) ? line.replace(URI, (uri) => ledTo(uri, mirrors)) : line))
      .join(''),
  down: 'apt-get update and install fail for these sources; what is installed is not touched',
  next: 'then «apt-get update»; sources that no mirror asks are as they were',
}

function sources({ root }: Machine): string[] {
  const folder = join(root, 'etc/apt')
  return [join(folder, 'sources.list'), ...filesIn(join(folder, 'sources.list.d'), /\.(?:list|sources)$/)].filter(
    (path) => textOf(path) !== undefined,
  )
}

function isSource(line: string): boolean {
  return /^(?:deb|deb-src)\s|^URIs:|^\s+http/i.test(bare(line))
}

/** The address below a mirror of what one of its upstreams is asked for; any other stays. */
function ledTo(uri: string, mirrors: readonly ClientMirror[]): string {
  const wanted = uri.endsWith('/') ? uri : `${uri}/`
  for (const { url, upstreams } of mirrors) {
    const upstream = upstreams.find((one) => wanted.startsWith(one))
    if (upstream !== undefined) return url + wanted.slice(upstream.length)
  }
  return uri
}
