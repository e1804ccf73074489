import { expect, test } from 'vitest'
import { errorCodes, WarrenError } from '../../../node/errors.ts'
import { sendError } from '../../../node/http/refusal.ts'
import { client, face, parseHead, plain, raw } from './fixture.ts'

/** What an error would put on the wire. */
function sent(error: WarrenError, request: object = {}, protocol = undefined as typeof plain | undefined) {
  let head: { status: number; fields: string[] } = { status: 0, fields: [] }
  let body = ''
  const response = {
    writeHead: (status: number, fields: string[]) => {
      head = { status, fields }
    },
    end: (bytes?: Buffer) => {
      body = bytes?.toString() ?? ''
    },
  }
  const length = sendError(
    { headers: {}, complete: true, method: 'GET', ...request } as never,
    response as never,
    error,
    protocol,
  )
  const headers = Object.fromEntries(head.fields.flatMap((name, i) => (i % 2 === 0 ? [[name, head.fields[i + 1]]] : [])))
  return { status: head.status, headers, body, length }
}

test.each(errorCodes)('%s goes out with its status and code, never to be kept', (code) => {
  const { status, headers, body, length } = sent(new WarrenError(code, 'what was wrong'))
  expect(status).toBe(new WarrenError(code, '').status)
  expect(headers).toMatchObject({ 'x-warren-error': code, 'cache-control': 'no-store', 'content-length': '15' })
  expect([body, length]).toEqual(['what was wrong\n', 15])
})

test('nothing of a message can become a header, or a second line', () => {
  const error = new WarrenError('BAD_REQUEST', 'a\r\nx-injected: 1\r\n\r\n<script>')
  const { headers, body } = sent(error)
  expect(Object.keys(headers)).not.toContain('x-injected')
  expect(JSON.stringify(headers)).not.toContain('injected')
  expect(body).toBe('a\n')
})

test('a message of any length is answered shortly', () => {
  expect(sent(new WarrenError('BAD_REQUEST', 'x'.repeat(100_000))).body.length).toBe(1_001)
})

test('the length is that of the bytes, not of the characters', () => {
  const { headers, body } = sent(new WarrenError('BAD_REQUEST', '«é» 🐇'), {}, plain)
  expect(headers['content-length']).toBe(String(Buffer.byteLength(body)))
})

test('HEAD is told the length of what it does not get', () => {
  const { headers, body, length } = sent(new WarrenError('BAD_REQUEST', 'abc'), { method: 'HEAD' })
  expect([headers['content-length'], body, length]).toEqual(['4', '', 0])
})

test.each([
  [{ 'content-length': '5' }, false, 'close'],
  [{ 'transfer-encoding': 'chunked' }, false, 'close'],
  [{ 'content-length': '5' }, true, undefined],
  [{ 'content-length': '0' }, false, undefined],
  [{}, false, undefined],
])('a request with %j, read to its end: %s, ends the connection: %s', (headers, complete, connection) => {
  expect(sent(new WarrenError('BAD_REQUEST', 'x'), { headers, complete }).headers.connection).toBe(connection)
})

test('the rest of an upload that was refused is not taken for a request', async () => {
  const node = await face({ find: () => Promise.reject(new Error('nobody should ask')) })
  const connection = await raw(node.origin)
  const inner = `GET /m/inner HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`
  connection.send(`PUT /m/a HTTP/1.1\r\nhost: ${node.host}\r\ncontent-length: ${inner.length + 10}\r\n\r\n0123456789`)
  const received = await connection.until((all) => all.includes('reading only'))
  expect(parseHead(received).headers.get('connection')).toBe('close')
  connection.send(inner)
  expect((await connection.rest()).split('HTTP/1.1 ')).toHaveLength(2)
  expect(node.told).toHaveLength(1)
  expect((await client().get(node.url('fixed'))).status).toBe(200)
})

test('what the policy denies says why in the status line, too: some clients show nothing else', async () => {
  const denied = (message: string) => Promise.reject(new WarrenError('POLICY_DENIED', message))
  const phraseFor = async (message: string) => {
    const node = await face({ find: () => denied(message) })
    const connection = await raw(node.origin)
    connection.send(`GET /m/a HTTP/1.1\r\nhost: ${node.host}\r\n\r\n`)
    const received = await connection.until((all) => all.includes('\r\n\r\n'))
    return received.slice(0, received.indexOf('\r\n'))
  }
  expect(await phraseFor('pkg:npm/x is denied «so»')).toBe('HTTP/1.1 403 pkg:npm/x is denied ?so?')
  expect(await phraseFor('one\r\nset-cookie: a=b\r\n\r\n')).toBe('HTTP/1.1 403 one')
  expect(await phraseFor('x'.repeat(5_000))).toBe(`HTTP/1.1 403 ${'x'.repeat(300)}`)
})
