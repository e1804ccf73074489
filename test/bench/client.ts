import { Agent, get, type IncomingMessage } from 'node:http'

export interface Download {
  /** Ms from the request to the first byte of the body, and to the last. */
  readonly firstByteMs: number
  readonly totalMs: number
  readonly bytes: number
}

/** Downloads one thing after the other over one kept-alive connection, and throws the bytes away. */
export class Downloader implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 })
  readonly #signal: AbortSignal

  constructor(signal: AbortSignal) {
    this.#signal = signal
  }

  /** Rejects when the answer is no 200 of so many bytes. */
  async download(url: string, size: number): Promise<Download> {
    const began = performance.now()
    const answer = await this.#open(url)
    if (answer.statusCode !== 200) throw new Error(`${url} was answered ${answer.statusCode}`)
    let firstByteMs: number | undefined
    let bytes = 0
    await new Promise<void>((resolve, reject) => {
      answer.on('data', (chunk: Buffer) => {
        firstByteMs ??= performance.now() - began
        bytes += chunk.length
      })
      answer.on('end', resolve).on('error', reject)
    })
    if (bytes !== size || firstByteMs === undefined) throw new Error(`${url} sent ${bytes} bytes where there are ${size}`)
    return { firstByteMs, totalMs: performance.now() - began, bytes }
  }

  /** Asks for the first byte only, and tells where the node says that it comes from. */
  async firstByte(url: string): Promise<string> {
    const answer = await this.#open(url, { range: 'bytes=0-0' })
    if (answer.statusCode !== 206) throw new Error(`${url} was answered ${answer.statusCode}`)
    answer.resume()
    return String(answer.headers['x-warren-source'])
  }

  [Symbol.dispose](): void {
    this.#agent.destroy()
  }

  #open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      get(url, { agent: this.#agent, signal: this.#signal, headers }, resolve).on('error', reject)
    })
  }
}
