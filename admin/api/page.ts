import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyReply } from 'fastify'
import { WarrenError } from '../../node/errors.ts'
import type { ApiApp } from './app.ts'

/** Where the bundler puts the page, in a checkout and in the package alike. */
const FOLDER = fileURLToPath(new URL('../web/dist/', import.meta.url))

/** Nothing but files of this node runs and is shown, and the page is part of no other: whoever gets text into it gets no further. */
const POLICY = [
  "default-src 'none'",
  ...["script-src 'self'", "style-src 'self'", "connect-src 'self'", "img-src 'self' data:"],
  ...["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"],
].join('; ')

const HEADERS = { 'content-security-policy': POLICY, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' }

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

/** Names of assets have a hash of their content, so that one never changes. */
const FOR_EVER = 'public, max-age=31536000, immutable'

const NOT_BUILT =
  'The status page of this node is not built. In a checkout, «npm start» builds it, and so does «node deploy/page.mjs».\n'

interface PageFile {
  readonly bytes: Buffer
  readonly type: string
  readonly etag: string
}

/** The status page: files without a secret, for everybody who gets to the admin listener. What the page shows it asks the API for. */
export function pageRoutes(app: ApiApp, { folder = FOLDER }: { readonly folder?: string } = {}): void {
  let files: Promise<ReadonlyMap<string, PageFile>> | undefined
  const send = async (name: string, reply: FastifyReply, cached: string) => {
    // Not when the node starts: most nodes are never looked at.
    files ??= readPage(folder)
    const file = (await files).get(name)
    reply.headers(HEADERS)
    if (!file && name === 'index.html') {
      // It may be built while the node runs.
      files = undefined
      return reply.code(503).type('text/plain; charset=utf-8').send(NOT_BUILT)
    }
    if (!file) throw new WarrenError('NOT_FOUND', `the page has no ${name.slice(0, 200)}`)
    reply.headers({ 'cache-control': cached, etag: file.etag })
    if (reply.request.headers['if-none-match'] === file.etag) return reply.code(304).send()
    return reply.type(file.type).send(file.bytes)
  }
  const config = { access: 'everybody' } as const
  app.get('/admin', { config }, (_request, reply) => reply.redirect('/admin/', 308))
  app.get('/admin/', { config }, (_request, reply) => send('index.html', reply, 'no-cache'))
  app.get<{ Params: { name: string } }>('/admin/assets/:name', { config }, ({ params: { name } }, reply) =>
    send(`assets/${name}`, reply, FOR_EVER),
  )
}

/** All files, by their path below the folder; none where there is no folder. A request picks one of these and never names a path. */
async function readPage(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const entries = await readdir(folder, { recursive: true }).catch(() => [])
  const names = entries.map((name) => name.replaceAll('\\', '/')).filter((name) => extname(name) in TYPES)
  const files = names.map(async (name): Promise<[string, PageFile]> => {
    const bytes = await readFile(join(folder, name))
    const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`
    return [name, { bytes, type: TYPES[extname(name)] ?? '', etag }]
  })
  return new Map(await Promise.all(files))
}
