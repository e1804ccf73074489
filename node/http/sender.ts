import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { type Body, bufferBody } from '../body.ts'
import { AT_HAND_BYTES } from '../cache/constants.ts'
import type { Found } from '../cache/found.ts'
import { WarrenError } from '../errors.ts'
import { evaluate, hasConditions, rangeApplies } from './conditional.ts'
import { acceptedEncodings, type Encoding } from './encodings.ts'
import type { AtHand } from './express-lane.ts'
import { contentFields, type Fields, notModifiedFields, type Shown, wholeFieldBytes, wholeFields } from './fields.ts'
import { Multipart } from './multipart.ts'
import { type ByteRange, contentRange, parseRange } from './range.ts'
import { Receiver } from './receiver.ts'
import type { RenderedCache } from './rendered.ts'
import { type FoundDocument, isDocument, type Rendering, Renderings } from './renderings.ts'
import type { ScratchPool } from './scratch-pool.ts'
import { Transfer } from './transfer.ts'

/**
 * Ms that the head of an answer waits for the first bytes of a body that is only now being fetched. Until then a failure is an
 * error that says what is wrong; for longer no client should wait for a sign of life (pip gives up after 15 s).
 */
const HEAD_PATIENCE = 5_000

/** One request that something was found for. */
export interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The mirror's URL as the client sees it, with a slash at its end. */
  base(): string
  /** Finds the same document once more, for work that goes on after the answer. */
  reopen(): Promise<Found | undefined>
}

/** What is sent once encoding and conditions are settled. */
interface Representation {
  readonly body: Body
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly fields: readonly string[]
  readonly ahead?: Found['ahead']
  /** Whether the length of the body is only the word of a member so far. */
  readonly unsure?: boolean
}

export interface SenderComponents {
  readonly pool: ScratchPool
  readonly rendered: RenderedCache
}

/** Sends what the cache found: conditions, ranges, compressed forms, HEAD. One body code for every kind of source. */
export class Sender {
  readonly #pool: ScratchPool
  readonly #rendered: RenderedCache
  readonly #renderings = new Renderings()

  constructor(components: SenderComponents) {
    this.#pool = components.pool
    this.#rendered = components.rendered
  }

  /**
   * The bytes of body that were sent. Closes what was found. Rejects when the body broke, or with ClientLeft: if the head went
   * out before, the response must be destroyed.
   */
  send(found: Found, asked: Asked): number | Promise<number> {
    const { bytes } = found.body
    const { method, headers } = asked.request
    // Nine of ten requests: a small artifact from memory, whole. Everything else may cost more.
    if (bytes && !found.document && found.age === undefined && method === 'GET') {
      if (headers.range === undefined && !hasConditions(headers)) {
        found.body.close()
        asked.response.writeHead(200, wholeFields(found, { id: found.digest, size: bytes.length }) as string[])
        asked.response.end(bytes)
        return bytes.length
      }
    }
    return this.#sendAny(found, asked)
  }

  /**
   * What `send` would answer to a plain GET with these headers, if it is in memory as a whole and may go out past Node's own checks.
   * Closes what was found. @param base as `Asked` has it
   */
  atHand(found: Found, headers: IncomingHttpHeaders, base: () => string): AtHand | undefined {
    try {
      if (isDocument(found)) return this.#documentAtHand(found, headers, base)
      return inBytes(found, { id: found.digest }, found.body.bytes)
    } finally {
      found.body.close()
    }
  }

  #documentAtHand(found: FoundDocument, headers: IncomingHttpHeaders, base: () => string): AtHand | undefined {
    const rendering = this.#renderings.of(found, base)
    const body = rendering.body(found.body)
    const [encoding] = acceptedEncodings(headers['accept-encoding'])
    if (encoding && this.#rendered.suits(body)) {
      const compressed = this.#rendered.get(rendering.id, encoding)
      if (compressed) return inBytes(found, { id: rendering.id, encoding }, compressed)
      // The usual way has it made.
      if (!this.#rendered.isUnfit(rendering.id, encoding)) return undefined
    }
    const { bytes } = found.body
    // Long base URLs in many places make much of little.
    if (!bytes || (body.size ?? 0) > AT_HAND_BYTES) return undefined
    return inBytes(found, { id: rendering.id }, rendering.whole(bytes))
  }

  async #sendAny(found: Found, asked: Asked): Promise<number> {
    try {
      return await (isDocument(found) ? this.#document(found, asked) : this.#artifact(found, asked))
    } finally {
      found.body.close()
    }
  }

  #artifact(found: Found, asked: Asked): Promise<number> | number {
    const etag = found.digest === undefined ? undefined : `"${found.digest}"`
    const lastModified = found.headers['last-modified']
    const done = settleConditions(found, asked, etag === undefined ? [] : [etag], lastModified)
    const unsure = etag === undefined && (found.source === 'seed' || found.source === 'flight')
    if (done !== undefined) return done
    const { body, ahead } = found
    return this.#content({ body, etag, lastModified, fields: contentFields(found, etag), ahead, unsure }, asked)
  }

  /** A document as this caller is to see it: its base URL in place, compressed if a compressed form is at hand. */
  #document(found: FoundDocument, asked: Asked): Promise<number> | number {
    const rendering = this.#renderings.of(found, () => asked.base())
    const { headers } = asked.request
    const accepted = acceptedEncodings(headers['accept-encoding'])
    // Whoever holds any form that it accepts holds the document.
    const etags = [...accepted.map((encoding) => rendering.etag(encoding)), rendering.etag()]
    // Upstream's date says nothing of a document with our URLs in it.
    const lastModified = found.document.spans.length === 0 ? found.headers['last-modified'] : undefined
    const done = settleConditions(found, asked, etags, lastModified)
    if (done !== undefined) return done
    const body = rendering.body(found.body)
    // Parts are always of the plain form: a compressed one may be made anew between two parts.
    const encoding = headers.range === undefined ? accepted[0] : undefined
    const compressed = encoding && this.#compressed(rendering, encoding, body, asked)
    if (!encoding || !compressed) {
      const etag = rendering.etag()
      return this.#content({ body, etag, lastModified, fields: contentFields(found, etag) }, asked)
    }
    const etag = rendering.etag(encoding)
    const fields = [...contentFields(found, etag), 'content-encoding', encoding]
    return this.#content({ body: bufferBody(compressed), etag, lastModified: undefined, fields }, asked)
  }

  /** Undefined when that form is not made yet: then it is, for whoever asks next. */
  #compressed(rendering: Rendering, encoding: Encoding, plain: Body, asked: Asked): Buffer | undefined {
    if (!this.#rendered.suits(plain)) return undefined
    const compressed = this.#rendered.get(rendering.id, encoding)
    if (compressed) return compressed
    this.#rendered.make(rendering.id, encoding, async () => {
      const again = await asked.reopen()
      // By now the document may be another one: its compressed form must not get the old one's name.
      if (again && isDocument(again) && again.digest === rendering.digest) return rendering.body(again.body)
      again?.body.close()
      return undefined
    })
    return undefined
  }

  #content(shown: Representation, asked: Asked): Promise<number> | number {
    const { request, response } = asked
    const { body, fields } = shown
    const { size } = body
    // RFC 9110 section 14.2: Range is defined for GET only.
    const wanted = request.method === 'GET' && size !== undefined && rangeApplies(request.headers, shown)
    const ranges = wanted ? parseRange(request.headers.range, size) : undefined
    if (!ranges || size === undefined) return this.#one(200, fields, { body, start: 0, end: undefined }, asked)
    const [range, second] = ranges
    // To a client that resumes, 416 says that it has everything. RFC 9110 section 14.2: a Range may be ignored.
    if (!range && shown.unsure) return this.#one(200, fields, { body, start: 0, end: undefined }, asked)
    if (!range) {
      response.setHeader('content-range', `bytes */${size}`)
      const range = request.headers.range?.slice(0, 80)
      throw new WarrenError('RANGE_NOT_SATISFIABLE', `there are ${size} bytes; the range «${range}» asks beyond them`)
    }
    if (second) return this.#parts(ranges, size, shown, asked)
    const partial = [...fields, 'content-range', contentRange(range, size)]
    if (shown.ahead) return this.#ahead(partial, shown, range, asked)
    return this.#one(206, partial, { body, ...range }, asked)
  }

  /** A part of what is still coming: what is far from there is not waited for, if it can be had otherwise. */
  async #ahead(fields: Fields, { body, ahead }: Representation, range: ByteRange, asked: Asked): Promise<number> {
    const other = await ahead?.(range.start, range.end)
    try {
      return await this.#one(206, fields, { body: other ?? body, ...range }, asked)
    } finally {
      other?.close()
    }
  }

  #one(
    status: number,
    fields: Fields,
    { body, start, end }: { body: Body; start: number; end: number | undefined },
    { request, response }: Asked,
  ): Promise<number> | number {
    // A length that is not known yet may be once the first bytes are there.
    const last = () => end ?? (body.size === undefined ? undefined : body.size - 1)
    const head = () => {
      const at = last()
      return writeHead(response, status, fields, at === undefined ? undefined : at - start + 1)
    }
    const at = last()
    if (request.method !== 'HEAD' && (!body.bytes || at === undefined)) {
      return this.#stream(head, [{ start, end: at }], body, response)
    }
    head()
    const bytes = request.method === 'HEAD' ? undefined : body.bytes?.subarray(start, (at ?? 0) + 1)
    response.end(bytes)
    return bytes?.length ?? 0
  }

  #parts(ranges: readonly ByteRange[], size: number, { body, fields }: Representation, { response }: Asked): Promise<number> {
    const type = fields.indexOf('content-type')
    const parts = new Multipart(ranges, size, type < 0 ? undefined : fields[type + 1])
    const others = type < 0 ? fields : fields.toSpliced(type, 2)
    const head = () => writeHead(response, 206, [...others, 'content-type', parts.contentType], parts.length)
    const pieces = parts.parts.map((part) => ({ before: part.head, ...part.range }))
    return this.#stream(head, pieces, body, response, parts.tail)
  }

  async #stream(
    head: () => number | undefined,
    pieces: readonly { readonly before?: Buffer; readonly start: number; readonly end: number | undefined }[],
    body: Body,
    response: ServerResponse,
    tail?: Buffer,
  ): Promise<number> {
    const receiver = new Receiver(response)
    let declared: number | undefined
    let sent = tail?.length ?? 0
    for (const { before, start, end } of pieces) {
      const transfer = new Transfer({ body, receiver, pool: this.#pool }, { start, end })
      try {
        if (!response.headersSent) {
          await transfer.ready(HEAD_PATIENCE)
          declared = head()
        }
        if (before) await receiver.write(before)
        sent += (before?.length ?? 0) + (await transfer.run())
      } finally {
        transfer.free()
      }
    }
    if (declared !== undefined && declared !== sent) {
      throw new WarrenError('UPSTREAM_CUT', `the answer was to have ${declared} bytes and has ${sent}`)
    }
    response.end(tail)
    return sent
  }
}

function inBytes(found: Found, shown: Omit<Shown, 'size'>, body: Buffer | undefined): AtHand | undefined {
  const fields = body && wholeFieldBytes(found, { ...shown, size: body.length })
  return fields && { fields, body }
}

/** Zero bytes sent when the conditions of a request settle it; undefined when there is content to send. */
function settleConditions(
  found: Found,
  { request, response }: Asked,
  etags: readonly string[],
  lastModified: string | undefined,
): number | undefined {
  if (!hasConditions(request.headers)) return undefined
  const verdict = evaluate(request.headers, { etags, lastModified })
  if (verdict === 'send') return undefined
  if (verdict === 'failed') {
    throw new WarrenError('PRECONDITION_FAILED', 'the artifact is not the one that the precondition names')
  }
  response.writeHead(304, notModifiedFields(found, verdict.notModified)).end()
  return 0
}

/** Gives the length back that it declared. */
function writeHead(response: ServerResponse, status: number, fields: Fields, length: number | undefined): number | undefined {
  response.writeHead(status, length === undefined ? [...fields] : [...fields, 'content-length', String(length)])
  return length
}
