import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { systemClock } from '../../../node/clock.ts'
import { TokenBucket } from '../../harness/rate.ts'
import { type Package, Packages, parsePackage, parseTarball } from '../packages.ts'

/** A program of its own: a registry that makes everything up from the names that it is asked for. Started by `upstream.ts`. */

/** Bytes handed to a socket at once where nothing limits the rate. */
const PIECE_BYTES = 256 << 10
const KEEP_ALIVE_MS = 300_000

interface Document {
  readonly type: string
  readonly etag: string
  readonly plain: Buffer
  readonly gzip: Buffer
}

const packages = new Packages()
const documents = new Map<string, Document>()
let bucket: TokenBucket | undefined
let tarballs = 0

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS, noDelay: true }, (request, response) => {
  void answer(request, response).catch(() => response.destroy())
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', origin())
  const tarball = parseTarball(pathname)
  const [, name = '', version] = pathname.split('/')
  const one = parsePackage(name)
  if (pathname === '/-/rate') {
    const rate = Number(searchParams.get('bytes'))
    bucket = rate > 0 ? new TokenBucket(systemClock, rate) : undefined
    response.end('{}')
  } else if (pathname === '/-/tarballs') {
    response.end(JSON.stringify(tarballs))
  } else if (tarball) {
    tarballs++
    await sendArchive(tarball.of, tarball.version, response)
  } else if (one) {
    sendDocument(documentOf(one, version, request.headers.accept), request, response)
  } else {
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":"Not found"}')
  }
}

async function sendArchive(one: Package, version: number, response: ServerResponse): Promise<void> {
  const left = new AbortController()
  response.on('close', () => left.abort())
  response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': one.bytes,
    etag: `"${packages.digest(one, version, 'sha512').toString('hex')}"`,
    'cache-control': 'public, max-age=31536000, immutable',
  })
  for (let at = 0; at < one.bytes && !left.signal.aborted; ) {
    const bytes = packages.slice(one, version, at, bucket?.piece ?? PIECE_BYTES)
    await bucket?.take(bytes.length, left.signal)
    at += bytes.length
    if (!response.write(bytes)) await drained(response)
  }
  response.end()
}

/** Resolves when the socket takes more, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

function documentOf(one: Package, version: string | undefined, accept = ''): Document {
  const key = `${one.name} ${version ?? accept}`
  let document = documents.get(key)
  if (!document) {
    const { type, body } =
      version === undefined
        ? packages.packument(one, origin(), accept)
        : { type: 'application/json', body: JSON.stringify(packages.manifest(one, Number(version.split('.')[2]), origin())) }
    const plain = Buffer.from(body)
    document = { type, plain, gzip: gzipSync(plain), etag: `"${createHash('sha1').update(plain).digest('hex')}"` }
    documents.set(key, document)
  }
  return document
}

function sendDocument(document: Document, request: IncomingMessage, response: ServerResponse): void {
  const { type, etag, plain, gzip } = document
  const headers = { 'content-type': type, etag, vary: 'accept, accept-encoding', 'cache-control': 'public, max-age=300' }
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304, headers).end()
    return
  }
  const zipped = /\bgzip\b/.test(String(request.headers['accept-encoding'] ?? ''))
  const body = zipped ? gzip : plain
  response.writeHead(200, { ...headers, ...(zipped ? { 'content-encoding': 'gzip' } : {}), 'content-length': body.length })
  response.end(body)
}

function origin(): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

// Its starter is gone: so is the reason to be here.
process.on('disconnect', () => {
  server.close()
  server.closeAllConnections()
})
server.listen(0, '127.0.0.1', () => process.send?.({ url: origin() }))
