import { expect, test } from 'vitest'
import { apiApp } from '../../../admin/api/app.ts'
import { proofRoutes } from '../../../admin/api/routes/proof.ts'
import { guardByToken } from '../../../admin/api/token.ts'
import { isProof, proofOf } from '../../../node/node-proof.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startAdminNode } from './admin-node.ts'

const folders = useTempFolders()
const NONCE = 'n'.repeat(43)

test('a node proves that it has its token, for its own listener and this nonce alone', async () => {
  const node = await startAdminNode(folders.create())
  const { status, json } = await node.ask('GET', `proof?nonce=${NONCE}`)
  expect(status).toBe(200)
  const challenge = { nonce: NONCE, listener: node.admin }
  expect(isProof(json.proof, node.token, challenge)).toBe(true)
  expect(isProof(json.proof, 'A'.repeat(43), challenge)).toBe(false)
  expect(isProof(json.proof, node.token, { ...challenge, nonce: 'm'.repeat(43) })).toBe(false)
  expect(isProof(json.proof, node.token, { ...challenge, listener: 'http://127.0.0.1:1' })).toBe(false)
  expect(isProof('', node.token, challenge)).toBe(false)
  expect(JSON.stringify(json)).not.toContain(node.token)
})

test.for([
  '',
  '?nonce=',
  `?nonce=${'n'.repeat(42)}`,
  `?nonce=${NONCE}n`,
  `?nonce=${NONCE}%00`,
  `?nonce=${NONCE}&nonce=${NONCE}`,
])('a nonce of any other form is refused: %j', async (query) => {
  const node = await startAdminNode(folders.create())
  expect(await node.ask('GET', `proof${query}`)).toMatchObject({ status: 400, json: { title: 'BAD_REQUEST' } })
})

test('another machine gets so many a minute; on this one nobody can keep its owner from it', async () => {
  const token = { value: 'A'.repeat(43), file: '/data/node.token' }
  const app = apiApp()
  await guardByToken(app, token)
  proofRoutes(app, { prove: (nonce) => proofOf(token.value, { nonce, listener: 'http://127.0.0.1:7470' }) })
  const ask = (remoteAddress: string) => app.inject({ path: `/admin/v1/proof?nonce=${NONCE}`, remoteAddress })
  const statuses = async (from: string) => {
    const seen = new Set<number>()
    for (let i = 0; i < 70; i++) seen.add((await ask(from)).statusCode)
    return [...seen]
  }
  expect(await statuses('192.0.2.7')).toEqual([200, 429])
  const refused = await ask('192.0.2.7')
  expect([refused.json().title, Number(refused.headers['retry-after']) > 0]).toEqual(['TOO_MANY_FAILURES', true])
  expect(await statuses('127.0.0.1')).toEqual([200])
  await app.close()
})
