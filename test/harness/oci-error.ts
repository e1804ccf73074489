import { type Answer, answer, type Headers } from './answer.ts'

/** An error of a registry (OCI distribution specification, «Error Codes»). */
export function ociError(status: number, code: string, message: string, headers: Headers = {}): Answer {
  const body = JSON.stringify({ errors: [{ code, message, detail: null }] })
  return answer(status, body, { 'content-type': 'application/json; charset=utf-8', ...headers })
}
