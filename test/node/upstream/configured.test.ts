import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startNode } from '../../harness/start-node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { makeCertificate } from './certificate.ts'
import { using } from './fixture.ts'
import { httpsServer } from './servers.ts'

const folders = useTempFolders()
const certificate = makeCertificate()
const LIMITS = { connectTimeout: 2_000, headersTimeout: 5_000, idleTimeout: 2_000, concurrency: 16, patience: 100 }

test.for([
  ['trusts a registry whose authority upstream.ca names', true, 200, null],
  ['does not trust it otherwise', false, 503, 'UPSTREAM_UNREACHABLE'],
] as const)('a node %s', async ([, named, status, error]) => {
  const registry = await using(
    httpsServer(certificate, (_request, response) => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ name: 'is-odd', 'dist-tags': {}, versions: {} }))
    }),
  )
  const file = join(folders.create(), 'ca.pem')
  writeFileSync(file, certificate.cert)
  const { npm } = await startNode({
    data: folders.create('data'),
    upstream: `${registry.origin}/`,
    config: { upstream: { ...LIMITS, ca: named ? [file] : [] } },
  })
  const response = await fetch(`${npm}is-odd`)
  await response.body?.cancel()
  expect([response.status, response.headers.get('x-warren-error')]).toEqual([status, error])
})
