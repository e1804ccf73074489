import type { IncomingMessage, ServerResponse } from 'node:http'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyReply,
  type FastifySchema,
  type RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { isWarrenError, WarrenError } from '../../node/errors.ts'
import { REQUEST_ID, requestIdOf } from '../../node/request-id.ts'
import { inputError, PROBLEM_TYPE, type Problem, problemOf, problemSchema } from './problem.ts'

/** What routes are registered on: what their schemas say is what their handlers get. */
export type ApiApp = FastifyInstance<RawServerDefault, IncomingMessage, ServerResponse, FastifyBaseLogger, ZodTypeProvider>

/** Who is answered: `everybody`; `loopback`: callers on this machine, others with the token; `token`: whoever has it. */
type Access = 'everybody' | 'loopback' | 'token'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** `token` where a route does not say. */
    access?: Access
  }
}

/** Bytes of a request's body: as much as a configuration file may have. */
const MAX_BODY = 256 << 10

/** Levels of a body: what walks through it must not run out of stack. */
const MAX_DEPTH = 32

/** Seconds that a caller is asked to wait where nothing better is known. */
const RETRY_AFTER = 5

/** What the parts of a request are called in messages. */
const PARTS: Readonly<Record<string, string>> = { querystring: 'query', params: 'path', body: 'body', headers: 'header' }

/** An app without routes that checks input by zod and answers every mistake as RFC 9457 says. */
export function apiApp(): ApiApp {
  const app: ApiApp = Fastify({
    logger: false,
    forceCloseConnections: false,
    bodyLimit: MAX_BODY,
    genReqId: requestIdOf,
    requestIdHeader: false,
    frameworkErrors: (error, _request, reply) => sendProblem(reply, problemOf(error)),
  }).withTypeProvider<ZodTypeProvider>()
  app.setValidatorCompiler<z.ZodType>(({ schema, httpPart = '' }) => (data) => {
    // A misspelt scope or limit would be one that is left out.
    const rule = httpPart === 'querystring' && schema instanceof z.ZodObject ? schema.strict() : schema
    const { success, data: value, error } = rule.safeParse(data)
    return success ? { value } : { error: inputError(PARTS[httpPart] ?? httpPart, data, error) }
  })
  // An answer that is not as described is a mistake of ours for tests to find, and no reason to give none.
  app.setSerializerCompiler(() => JSON.stringify)
  // A page of another site can send forms and text without asking first; JSON it cannot (Fetch, «CORS-safelisted request-header»).
  app.removeContentTypeParser('text/plain')
  const parse = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body: string, done) => {
    if (isDeeper(body, MAX_DEPTH)) done(new WarrenError('BAD_REQUEST', `body must be nested ${MAX_DEPTH} levels deep at most`))
    else void parse(request, body, done)
  })
  const routes = new Map<string, string[]>()
  app.addHook('onRoute', (route) => {
    const open = route.config?.access === 'everybody'
    const schema: FastifySchema = { ...(open ? {} : { security: [{ bearer: [] }] }), ...route.schema }
    route.schema = {
      ...schema,
      response: { ...Object(schema.response), default: { content: { [PROBLEM_TYPE]: { schema: problemSchema } } } },
    }
    routes.set(route.url, [...(routes.get(route.url) ?? []), ...[route.method].flat()])
  })
  app.setErrorHandler((error, _request, reply) => {
    if (isWarrenError(error) && error.retryable) reply.header('retry-after', String(Math.ceil(error.retryAfter ?? RETRY_AFTER)))
    sendProblem(reply, problemOf(error))
  })
  app.setNotFoundHandler(({ url }, reply) => {
    const path = url.split('?', 1)[0] ?? ''
    const allowed = [...routes].flatMap(([pattern, methods]) => (fits(pattern, path) ? methods : []))
    if (allowed.length === 0)
      return sendProblem(reply, {
        status: 404,
        title: 'NOT_FOUND',
        detail: `there is nothing at ${url.slice(0, 200)}; /admin/v1/openapi.json tells what there is`,
      })
    reply.header('allow', allowed.join(', '))
    throw new WarrenError('METHOD_NOT_ALLOWED', `${path} knows ${allowed.join(', ')} only`)
  })
  return app
}

/** Typed by itself: what a route may answer with says nothing of its refusals. */
function sendProblem(reply: Pick<FastifyReply, 'raw'>, problem: Problem): void {
  const to = reply as FastifyReply
  to.header(REQUEST_ID, to.request.id).code(problem.status).type(PROBLEM_TYPE).send(problem)
}

/** Whether JSON has more levels than `most`. In one pass: text that is no JSON must not take longer. */
function isDeeper(json: string, most: number): boolean {
  let depth = 0
  let inText = false
  for (let at = 0; at < json.length; at++) {
    const one = json[at]
    if (one === '"') inText = !inText
    else if (inText) at += one === '\\' ? 1 : 0
    else if (one === '[' || one === '{') depth++
    else if (one === ']' || one === '}') depth--
    if (depth > most) return true
  }
  return false
}

/** Whether a path is one of those that a route's pattern stands for. */
function fits(pattern: string, path: string): boolean {
  const [steps, parts] = [pattern.split('/'), path.split('/')]
  return (
    steps.length === parts.length && steps.every((step, at) => step === parts[at] || (step.startsWith(':') && parts[at] !== ''))
  )
}
