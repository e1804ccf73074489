import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { systemClock } from '../../node/clock.ts'
import { type Answer, answer, type Headers } from './answer.ts'
import { HttpClient } from './http.ts'
import type { HubContent } from './hub-content.ts'
import { ociError } from './oci-error.ts'
import { blobOf } from './oci-layers.ts'
import type { Algorithm, Blob, Manifest } from './oci-types.ts'
import { send } from './send.ts'
import { type Exchange, LoopbackServer } from './server.ts'

const UPLOAD = /^\/v2\/(.+)\/blobs\/uploads\/([^/]*)$/
const MANIFEST = /^\/v2\/(.+)\/manifests\/([^/]+)$/
const DIGEST_INVALID = ociError(400, 'DIGEST_INVALID', 'what came has another digest')
/** Of one connection, not of what is passed on (RFC 9110 section 7.6.1). */
const OF_CONNECTION = new Set(['connection', 'host', 'keep-alive', 'transfer-encoding'])

/**
 * Makes a cache look like a registry that takes pushes: what is pushed to it goes to the content of a scripted registry, and what
 * is read from it comes from the cache, which has it from there. So a test suite that pushes what it is going to read can check
 * the cache.
 */
export class PushFront {
  readonly #server = new LoopbackServer((exchange) => this.#serve(exchange))
  readonly #client = new HttpClient()
  readonly #content: HubContent
  readonly #url: string
  readonly #pushed: () => void
  readonly #uploads = new Map<string, Buffer>()

  /**
   * @param url base URL of the cache
   * @param pushed called after each change, so that what the cache knows of tags can be made old
   */
  constructor(content: HubContent, url: string, pushed: () => void = () => {}) {
    this.#content = content
    this.#url = url
    this.#pushed = pushed
  }

  get origin(): string {
    return this.#server.origin
  }

  async start(): Promise<this> {
    await this.#server.start()
    return this
  }

  async stop(): Promise<void> {
    this.#client.close()
    await this.#server.stop()
  }

  async #serve({ request, response, signal }: Exchange): Promise<void> {
    const { method = 'GET', headers } = request
    const url = new URL(request.url ?? '/', this.origin)
    const [, name = '', id] = UPLOAD.exec(url.pathname) ?? []
    if (id === undefined && (method === 'GET' || method === 'HEAD')) return this.#read(request, response)
    const body = await buffer(request)
    const [, repository = '', reference] = MANIFEST.exec(url.pathname) ?? []
    const taken =
      reference !== undefined && method === 'PUT'
        ? this.#takeManifest(repository, decodeURIComponent(reference), body, headers['content-type'] ?? '')
        : this.#upload(method, name, id, url.searchParams, body, headers['content-range'])
    await send(request, response, taken, { clock: systemClock, buckets: [], sent: () => {}, signal })
  }

  async #read({ method = 'GET', url = '/', headers }: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#client.exchange(new URL(url, this.#url).href, { method, headers: passedOn(headers) })
    if (!reply.complete) return void response.destroy()
    response.writeHead(reply.status, passedOn(reply.headers)).end(method === 'HEAD' ? undefined : reply.body)
  }

  /** OCI distribution specification, «Pushing Manifests». */
  #takeManifest(name: string, reference: string, bytes: Buffer, mediaType: string): Answer {
    const wanted = reference.includes(':') ? reference : undefined
    const blob = blobOf(bytes, mediaType, algorithmOf(reference))
    const { digest } = blob.descriptor
    if (wanted !== undefined && wanted !== digest) return DIGEST_INVALID
    const { artifactType, annotations, config, subject } = JSON.parse(bytes.toString())
    const type: string | undefined = artifactType ?? config?.mediaType
    const descriptor = { ...blob.descriptor, ...(type ? { artifactType: type } : {}), ...(annotations ? { annotations } : {}) }
    const manifest: Manifest = { ...blob, descriptor, bytes, blobs: [], manifests: [], subject: subject?.digest }
    this.#content.publish(name, wanted === undefined ? reference : undefined, manifest)
    this.#pushed()
    return created(`/v2/${name}/manifests/${digest}`, digest, subject ? { 'oci-subject': subject.digest } : {})
  }

  /** Same specification, «Pushing Blobs», «Mounting a blob from another repository». */
  #upload(method: string, name: string, id: string | undefined, query: URLSearchParams, body: Buffer, range?: string): Answer {
    const [mount, digest] = [query.get('mount'), query.get('digest')]
    if (id === '' && method === 'POST') {
      const mounted = mount === null ? undefined : this.#mounted(mount, query.get('from'))
      if (mounted) return this.#store(name, mounted)
      if (digest !== null) return this.#finish(name, digest, body)
      return this.#under(name, randomUUID(), body)
    }
    const before = this.#uploads.get(id ?? '')
    if (id === undefined || !before) return ociError(405, 'UNSUPPORTED', `no ${method} here`)
    if (method === 'GET') return { ...this.#under(name, id, before), status: 204 }
    if (range !== undefined && !range.startsWith(`${before.length}-`)) return answer(416)
    const whole = Buffer.concat([before, body])
    if (method === 'PUT') return this.#finish(name, digest ?? '', whole)
    return this.#under(name, id, whole)
  }

  #mounted(digest: string, from: string | null): Blob | undefined {
    return from === null ? this.#content.blob(digest) : this.#content.find(from)?.blobs.get(digest)
  }

  #under(name: string, id: string, bytes: Buffer): Answer {
    this.#uploads.set(id, bytes)
    return answer(202, '', { location: `/v2/${name}/blobs/uploads/${id}`, range: `0-${Math.max(0, bytes.length - 1)}` })
  }

  #finish(name: string, digest: string, bytes: Buffer): Answer {
    const blob = blobOf(bytes, 'application/octet-stream', algorithmOf(digest))
    return blob.descriptor.digest === digest ? this.#store(name, blob) : DIGEST_INVALID
  }

  #store(name: string, blob: Blob): Answer {
    const { digest } = blob.descriptor
    this.#content.add(name, blob)
    this.#pushed()
    return created(`/v2/${name}/blobs/${digest}`, digest)
  }
}

function passedOn(headers: IncomingHttpHeaders): Record<string, string> {
  const kept = Object.entries(headers).filter(([name]) => !OF_CONNECTION.has(name))
  return Object.fromEntries(kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value.toString()]])))
}

function algorithmOf(digest: string): Algorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256'
}

function created(location: string, digest: string, headers: Headers = {}): Answer {
  return answer(201, '', { location, 'docker-content-digest': digest, ...headers })
}
