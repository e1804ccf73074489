import type { FastifyError } from 'fastify'
import { z } from 'zod'
import { shown } from '../../node/config/problems.ts'
import { isWarrenError, WarrenError } from '../../node/errors.ts'

export const PROBLEM_TYPE = 'application/problem+json'

/** What every refusal says (RFC 9457). */
export const problemSchema = z
  .object({
    status: z.number().int().describe('HTTP status'),
    title: z.string().describe('Code of the error, such as BAD_REQUEST'),
    detail: z.string().describe('What was wrong and what would be right, for people'),
    errors: z
      .array(
        z.object({
          path: z.string().describe('Part of the request, such as query.limit or body.upstreams[0]'),
          value: z.string().optional().describe('What was there, shortened; left out where nothing was'),
          must: z.string().describe('What must be there'),
        }),
      )
      .readonly()
      .optional()
      .describe('Each thing that is wrong with the input'),
  })
  .describe('What was wrong (RFC 9457)')

export type Problem = z.output<typeof problemSchema>
type InputMistake = NonNullable<Problem['errors']>[number]

/** Mistakes of one request that are told. */
const MAX_MISTAKES = 20

/** A part of a request is not what its description asks for. */
export class InputError extends WarrenError {
  readonly mistakes: readonly InputMistake[]

  constructor(mistakes: readonly InputMistake[]) {
    super('BAD_REQUEST', mistakes.map(sentence).join('; '))
    this.mistakes = mistakes
  }
}

/** What zod found in a part of a request (`query`, `body`, `path`); the messages of the rules are noun phrases. */
export function inputError(part: string, data: unknown, error: z.ZodError): InputError {
  const mistakes = error.issues.slice(0, MAX_MISTAKES).flatMap((issue): InputMistake[] => {
    if (issue.code === 'unrecognized_keys')
      return issue.keys.slice(0, MAX_MISTAKES).map((key) => ({ path: pathOf(part, [...issue.path, key]), must: 'left out' }))
    const value = valueAt(data, issue.path)
    const is = value === undefined ? {} : { value: told(value) }
    return [{ path: pathOf(part, issue.path), ...is, must: issue.message }]
  })
  return new InputError(mistakes)
}

export function problemOf(error: unknown): Problem {
  if (isWarrenError(error)) {
    const { status, code: title, message: detail } = error
    return { status, title, detail, ...(error instanceof InputError ? { errors: error.mistakes } : {}) }
  }
  const { statusCode = 500, message = '' } = Object(error) as Partial<FastifyError>
  // What the framework itself refuses: a body that is no JSON, or too large.
  if (statusCode >= 400 && statusCode < 500)
    return { status: statusCode, title: TITLES.get(statusCode) ?? 'BAD_REQUEST', detail: message }
  return { status: 500, title: 'INTERNAL', detail: 'this node failed to answer' }
}

const TITLES: ReadonlyMap<number, string> = new Map([
  [413, 'PAYLOAD_TOO_LARGE'],
  [415, 'UNSUPPORTED_MEDIA_TYPE'],
])

/** Only of single values what they are: what is in a group may be for nobody to see. */
function told(value: unknown): string {
  if (typeof value !== 'object' || value === null) return shown(value)
  return Array.isArray(value) ? 'a list' : 'a group'
}

/** Of a query it has no prototype, and of JSON nothing but its own keys is meant. */
function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (inner, step) =>
      typeof inner === 'object' && inner !== null && Object.hasOwn(inner, step) ? Reflect.get(inner, step) : undefined,
    data,
  )
}

function sentence({ path, value, must }: InputMistake): string {
  return must === 'left out'
    ? `there is no ${path} here`
    : value === undefined
      ? `${path} is missing; it must be ${must}`
      : `${path} is ${value}, but must be ${must}`
}

function pathOf(part: string, steps: readonly PropertyKey[]): string {
  return part + steps.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step).slice(0, 80)}`)).join('')
}
