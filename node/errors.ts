/**
 * The error catalogue: every condition that Warren itself reports, with the HTTP status it becomes.
 * `node/README.md` documents each code; a test checks that the two agree.
 */
const CATALOGUE = {
  // What a client asked for is wrong.
  BAD_REQUEST: { status: 400, retryable: false },
  FOREIGN_HOST: { status: 421, retryable: false },
  FOREIGN_ORIGIN: { status: 403, retryable: false },
  NO_SUCH_MIRROR: { status: 404, retryable: false },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false },
  LOOP: { status: 508, retryable: false },
  POLICY_DENIED: { status: 403, retryable: false },
  // An upstream answered, and the answer is no. Only these statuses are answers (RFC 9110 section 15.5).
  UPSTREAM_ABSENT: { status: 404, retryable: false },
  UPSTREAM_GONE: { status: 410, retryable: false },
  UPSTREAM_LEGAL: { status: 451, retryable: false },
  UPSTREAM_DENIED: { status: 403, retryable: false },
  // Upstream trouble: never an answer about what exists, so never a 404.
  UPSTREAM_UNREACHABLE: { status: 503, retryable: true },
  UPSTREAM_TIMEOUT: { status: 503, retryable: true },
  UPSTREAM_CUT: { status: 503, retryable: true },
  UPSTREAM_FAILED: { status: 503, retryable: true },
  UPSTREAM_BUSY: { status: 429, retryable: true },
  UPSTREAM_CORRUPT: { status: 503, retryable: true },
  UPSTREAM_REFUSED: { status: 503, retryable: false },
  // The mesh: who may be believed, and what this node keeps of it.
  UNTRUSTED: { status: 403, retryable: false },
  TICKET_INVALID: { status: 400, retryable: false },
  OPERATOR_INVALID: { status: 400, retryable: false },
  MESH_CONFLICT: { status: 409, retryable: false },
  ADMIN_KEY_ELSEWHERE: { status: 403, retryable: false },
  NO_SUCH_OP: { status: 404, retryable: false },
  MESH_UNREADABLE: { status: 500, retryable: false },
  SECRET_EXPOSED: { status: 500, retryable: false },
  // This node.
  NOT_FOUND: { status: 404, retryable: false },
  CONFLICT: { status: 409, retryable: false },
  TOKEN_REQUIRED: { status: 401, retryable: false },
  TOO_MANY_FAILURES: { status: 429, retryable: true },
  STORE_LOCKED: { status: 500, retryable: false },
  STORE_UNKNOWN: { status: 500, retryable: false },
  STORE_UNUSABLE: { status: 500, retryable: false },
  CONFIG_INVALID: { status: 500, retryable: false },
  ADDRESS_IN_USE: { status: 500, retryable: false },
  DRAINING: { status: 503, retryable: true },
  PRECONDITION_FAILED: { status: 412, retryable: false },
  RANGE_NOT_SATISFIABLE: { status: 416, retryable: false },
  PAYLOAD_TOO_LARGE: { status: 413, retryable: false },
  NODE_BUSY: { status: 503, retryable: true },
  BUDGET_SPENT: { status: 429, retryable: true },
  INTERNAL: { status: 500, retryable: true },
} as const

export type ErrorCode = keyof typeof CATALOGUE

export interface ErrorDetail {
  cause?: unknown
  /** Seconds after which a further try makes sense (RFC 9110 section 10.2.3). */
  retryAfter?: number
}

/** The one error class of Warren; `code` says which condition, `message` what was wrong and what would be right. */
export class WarrenError extends Error {
  override readonly name = 'WarrenError'
  readonly code: ErrorCode
  readonly retryAfter: number | undefined

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.code = code
    this.retryAfter = detail.retryAfter
  }

  /** HTTP status that a client sees. */
  get status(): number {
    return CATALOGUE[this.code].status
  }

  /** Whether the same request may succeed later without anybody changing anything. */
  get retryable(): boolean {
    return CATALOGUE[this.code].retryable
  }
}

export const errorCodes = Object.keys(CATALOGUE) as ErrorCode[]

export function isWarrenError(error: unknown, ...codes: ErrorCode[]): error is WarrenError {
  return error instanceof WarrenError && (codes.length === 0 || codes.includes(error.code))
}

/** Whether it is upstream's own «no»: there is no such thing, or not for us. Anything else says nothing about what exists. */
export function isRefusal(error: unknown): boolean {
  return isWarrenError(error, 'UPSTREAM_ABSENT', 'UPSTREAM_GONE', 'UPSTREAM_LEGAL', 'UPSTREAM_DENIED')
}

/** Whether upstream says that there is no such thing; unlike a refusal, for anybody. */
export function isAbsence(error: unknown): boolean {
  return isWarrenError(error, 'UPSTREAM_ABSENT', 'UPSTREAM_GONE')
}

/** The first line of whatever was thrown, for a log line or a message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const text = error.message.split('\n', 1)[0] || code || error.name
  return code && !text.includes(code) && !(error instanceof WarrenError) ? `${text} (${code})` : text
}
