import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { apiApp } from '../../../admin/api/app.ts'
import { registerRoutes } from '../../../admin/api/routes/all.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startFakeNode } from '../fake-node.ts'
import { startAdminNode } from './admin-node.ts'

const folders = useTempFolders()

interface Operation {
  readonly summary?: string
  readonly security?: unknown
  readonly responses: Record<string, { readonly content?: Record<string, { readonly schema?: object }> }>
}

type Document = {
  readonly openapi: string
  readonly paths: Record<string, Record<string, Operation>>
}

async function description(): Promise<Document> {
  const node = await startFakeNode(folders.create())
  const answer = await fetch(`${node.admin}/admin/v1/openapi.json`)
  expect(answer.status).toBe(200)
  return (await answer.json()) as Document
}

/** `get /admin/v1/mirrors/{name}`, of all routes that a node registers. */
function registered(): string[] {
  const app = apiApp()
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (one !== 'HEAD') routes.push(`${one.toLowerCase()} ${url.replace(/:(\w+)/g, '{$1}')}`)
  })
  registerRoutes(app, {} as never)
  return routes
}

/** Paths that everybody may ask. */
const OPEN = new Set(['/admin/v1/openapi.json', '/admin/v1/ops/position', '/admin/v1/proof'])

test('the API describes itself as OpenAPI 3.1 has it, to everybody', async () => {
  const document = await description()
  expect(document.openapi).toBe('3.1.0')
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(document))
  expect(errors).toBeUndefined()
  expect([valid, validator.version]).toEqual([true, '3.1'])
  // Throws for a reference to nothing.
  validator.resolveRefs()
})

test('each route is described, with what it answers, what it refuses with and who may ask', async () => {
  const { paths } = await description()
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  )
  expect(new Set(described)).toEqual(new Set([...registered(), 'get /admin/v1/openapi.json']))
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { summary, security, responses }] of Object.entries(methods)) {
      const name = `${method} ${path}`
      expect(summary, name).toMatch(/\w/)
      const { default: refusal, ...answers } = responses
      expect(Object.keys(answers), name).not.toEqual([])
      for (const [status, { content }] of Object.entries(answers))
        if (status !== '204') expect(Object.values(content ?? {})[0]?.schema, `${name} ${status}`).toBeTypeOf('object')
      expect(Object.keys(refusal?.content ?? {}), name).toEqual(['application/problem+json'])
      // What is signed needs no token.
      const isSigned = name === 'post /admin/v1/ops'
      expect(security, name).toEqual(OPEN.has(path) ? undefined : [...(isSigned ? [{}] : []), { bearer: [] }])
    }
  }
})

test('what a node answers is what the description says, with nothing left out of it', async () => {
  const app = apiApp()
  const answers = new Map<string, z.ZodType>()
  app.addHook('onRoute', ({ method, url, schema }) => {
    const told = Object(schema?.response)[200]
    if (method === 'GET' && told instanceof z.ZodType) answers.set(url, told)
  })
  registerRoutes(app, {} as never)
  const node = await startAdminNode(folders.create())
  await node.ask('POST', 'policy/blocks', { purl: 'pkg:npm/evil', reason: 'it steals' })
  await node.ask('PUT', 'mirrors/corp', { protocol: 'npm', upstreams: ['http://127.0.0.1:1/'], routes: { '@corp/*': false } })
  const queries = new Map([
    ['explain', '?key=/npm/x'],
    ['pins/place', '?target=/npm/x'],
    ['proof', `?nonce=${'A'.repeat(43)}`],
  ])
  let compared = 0
  for (const [url, told] of answers) {
    const path = url.slice('/admin/v1/'.length)
    const { status, json } = await node.ask('GET', path.replace(':name', 'corp') + (queries.get(path) ?? ''))
    // A node in no mesh has no ledger, and a new one none of what is asked for by its name.
    if (status !== 200) continue
    expect(json, url).toEqual(told.parse(json))
    compared++
  }
  expect(compared).toBeGreaterThan(8)
})

test('a description that is wrong is found', async () => {
  const document = await description()
  const { valid } = await new Validator().validate({ ...document, paths: { nothing: 7 } })
  expect(valid).toBe(false)
})
