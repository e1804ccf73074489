import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { cleanEnv, run } from '../harness/child-process.ts'
import { useTempFolders } from '../harness/temp.ts'

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url))

const folders = useTempFolders()

/** A checkout whose bundler puts the page together from one file and notes that it did. */
function checkout() {
  const root = folders.create('checkout')
  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const script of ['page.mjs', 'checkout-lock.mjs']) {
    mkdirSync(join(root, 'deploy'), { recursive: true })
    cpSync(join(DEPLOY, script), join(root, 'deploy', script))
  }
  write('package-lock.json', '{}')
  write('admin/web/index.html', 'one')
  write(
    'node_modules/vite/bin/vite.js',
    `const { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync } = require('node:fs')
     const web = process.argv.at(-1)
     rmSync(web + '/dist', { recursive: true, force: true })
     if (readFileSync(web + '/index.html', 'utf8') === 'broken') process.exit(1)
     mkdirSync(web + '/dist')
     cpSync(web + '/index.html', web + '/dist/index.html')
     appendFileSync(web + '/../../built', 'x')`,
  )
  mkdirSync(join(root, 'node_modules/.bin'))
  symlinkSync(process.execPath, join(root, 'node_modules/.bin/node'))
  const build = () => run([process.execPath, join(root, 'deploy/page.mjs')], { cwd: root, env: cleanEnv(), timeoutMs: 20_000 })
  const text = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : undefined)
  return { write, build, page: () => text('admin/web/dist/index.html'), builds: () => text('built')?.length }
}

test('the page is built once, by however many ask, and again when a source or the lockfile has changed', async () => {
  const { write, build, page, builds } = checkout()
  for (const { code } of await Promise.all([build(), build(), build()])) expect(code).toBe(0)
  expect([page(), builds()]).toEqual(['one', 1])
  write('admin/web/index.html', 'two')
  expect((await build()).code).toBe(0)
  expect([page(), builds()]).toEqual(['two', 2])
  write('package-lock.json', '{ }')
  await build()
  await build()
  expect(builds()).toBe(3)
})

test('a page that cannot be built is told, and tried again', async () => {
  const { write, build, page } = checkout()
  write('admin/web/index.html', 'broken')
  const failed = await build()
  expect([failed.code, failed.stderr]).toEqual([1, expect.stringContaining('the status page could not be built')])
  expect(page()).toBeUndefined()
  write('admin/web/index.html', 'mended')
  expect((await build()).code).toBe(0)
  expect(page()).toBe('mended')
})
