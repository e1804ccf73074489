import { VERSION } from '../../node/version.ts'
import { type ApiApp, apiApp } from './app.ts'

/** What stands in the document besides the routes. */
const ABOUT = {
  openapi: '3.1.0',
  info: {
    title: 'Warren',
    version: VERSION,
    description: 'Administration of a Warren node. It is served by the admin listener only.',
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/' }],
  components: {
    securitySchemes: {
      bearer: {
        type: 'http' as const,
        scheme: 'bearer',
        description: 'What stands in node.token in the data folder of the node',
      },
    },
  },
}

/**
 * Describes routes (OpenAPI 3.1). They are registered once more for it, on an app that serves nothing: a node whose description
 * nobody asks for does not load what makes it.
 */
export async function openApiDocument(register: (app: ApiApp) => void): Promise<Record<string, unknown>> {
  const [{ default: swagger }, { jsonSchemaTransform }] = await Promise.all([
    import('@fastify/swagger'),
    import('fastify-type-provider-zod'),
  ])
  const app = apiApp()
  await app.register(swagger, { openapi: ABOUT, transform: jsonSchemaTransform })
  register(app)
  await app.ready()
  const document = { ...app.swagger() }
  await app.close()
  return document
}
