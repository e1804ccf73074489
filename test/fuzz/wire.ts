import { connect } from 'node:net'

/**
 * Sends exactly these bytes over a connection of its own, says that no more will come, and resolves with all that came back once
 * the other side left: latin1, one character a byte. Lighter than a `RawConnection`, since it is made by the ten thousand.
 */
export function exchangeBytes(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.setTimeout(10_000, () =>
      socket.destroy(new Error(`no answer and no end after 10 s to ${JSON.stringify(bytes.toString('latin1'))}`)),
    )
    socket.on('data', (part) => parts.push(part))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // Being reset is an answer too.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error)
    })
    socket.on('end', () => socket.destroy())
    socket.on('close', () => resolve(Buffer.concat(parts).toString('latin1')))
    socket.end(bytes)
  })
}

/** Runs `work` on all of the cases, some at a time. */
export async function inParallel<T>(
  cases: readonly T[],
  work: (one: T, index: number) => Promise<void>,
  lanes = 16,
): Promise<void> {
  let next = 0
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let index = next++; index < cases.length; index = next++) await work(cases[index] as T, index)
    }),
  )
}

/** The answers in what came back: status lines and header names, lower case. Throws when it is anything but answers. */
export function answersIn(received: string): { status: number; names: string[]; head: string }[] {
  const answers: { status: number; names: string[]; head: string }[] = []
  for (let rest = received; rest !== ''; ) {
    const end = rest.indexOf('\r\n\r\n')
    const head = rest.slice(0, end)
    const [line = '', ...fields] = head.split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) [ -~]*$/.exec(line)?.[1])
    if (end < 0 || Number.isNaN(status)) throw new Error(`no answer: ${JSON.stringify(rest.slice(0, 200))}`)
    const pairs = fields.map((field) => /^([a-z0-9-]+): ?([\t\x20-\x7e\x80-\xff]*)$/i.exec(field))
    if (pairs.includes(null)) throw new Error(`no header: ${JSON.stringify(head)}`)
    const values = new Map(pairs.map((pair) => [pair?.[1]?.toLowerCase() ?? '', pair?.[2] ?? '']))
    answers.push({ status, names: [...values.keys()], head })
    const bodiless = status < 200 || status === 304
    const body = rest.slice(end + 4)
    if (bodiless) rest = body
    else if (values.get('transfer-encoding') === 'chunked') rest = behindChunks(body)
    else rest = body.slice(Number(values.get('content-length') ?? 0))
  }
  return answers
}

function behindChunks(body: string): string {
  for (let rest = body; rest !== ''; ) {
    const [size = ''] = rest.split('\r\n', 1)
    rest = rest.slice(size.length + 2 + Number.parseInt(size, 16) + 2)
    if (size === '0') return rest
  }
  return ''
}
