import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { apiApp } from '../../../admin/api/app.ts'
import { pageRoutes } from '../../../admin/api/page.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startAdminNode } from './admin-node.ts'

const folders = useTempFolders()

function served(folder: string) {
  const app = apiApp()
  pageRoutes(app, { folder })
  onTestFinished(() => app.close())
  return (url: string, headers = {}) => app.inject({ url, headers })
}

test('the page is served with a policy that lets nothing in, and its assets for ever', async () => {
  const folder = folders.create('dist')
  mkdirSync(join(folder, 'assets'))
  writeFileSync(join(folder, 'index.html'), '<!doctype html>')
  writeFileSync(join(folder, 'assets/index-Ab12.js'), 'export {}')
  writeFileSync(join(folder, 'assets/secret.txt'), 'no')
  const ask = served(folder)
  const page = await ask('/admin/')
  expect([page.statusCode, page.body, page.headers['content-type']]).toEqual([
    200,
    '<!doctype html>',
    'text/html; charset=utf-8',
  ])
  expect(page.headers).toMatchObject({
    'content-security-policy':
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cache-control': 'no-cache',
  })
  expect((await ask('/admin/', { 'if-none-match': page.headers.etag })).statusCode).toBe(304)
  expect((await ask('/admin')).headers.location).toBe('/admin/')
  const script = await ask('/admin/assets/index-Ab12.js')
  expect(script.headers).toMatchObject({
    'content-type': 'text/javascript; charset=utf-8',
    'cache-control': 'public, max-age=31536000, immutable',
  })
  for (const other of ['secret.txt', 'none.js', '..%2findex.html', '%2e%2e%2findex.html'])
    expect((await ask(`/admin/assets/${other}`)).statusCode).toBe(404)
})

test('where it is not built, the answer says how it is, and it is there as soon as it is built', async () => {
  const folder = join(folders.create('data'), 'dist')
  const ask = served(folder)
  const answer = await ask('/admin/')
  expect([answer.statusCode, answer.headers['content-type']]).toEqual([503, 'text/plain; charset=utf-8'])
  expect(answer.body).toContain('npm start')
  mkdirSync(folder)
  writeFileSync(join(folder, 'index.html'), 'built')
  expect((await ask('/admin/')).body).toBe('built')
})

test('a page of another site is not given it, and the document of the API does not list it', async () => {
  const node = await startAdminNode(folders.create('data'))
  const foreign = await fetch(`${node.admin}/admin/`, { headers: { origin: 'https://evil.example' } })
  const refused = (await foreign.json()) as { title: string }
  expect([foreign.status, refused.title]).toEqual([403, 'FOREIGN_ORIGIN'])
  const { paths } = (await node.ask('GET', 'openapi.json')).json
  expect(Object.keys(paths).filter((path) => !path.startsWith('/admin/v1/'))).toEqual(['/metrics'])
})
