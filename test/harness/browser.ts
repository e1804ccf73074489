import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { onTestFinished, type TestContext } from 'vitest'
import { cleanEnv, run } from './child-process.ts'
import { requireTool } from './tools.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** Where pictures of pages are kept to be looked at. */
const PICTURES = join(ROOT, 'test-output/page')

let built: Promise<void> | undefined

export interface Tab {
  readonly page: Page
  /** What a page must not do: errors in the console and in its code, what its policy forbids, and requests that go elsewhere. */
  readonly offences: string[]
  /** Keeps a picture of all of it. */
  picture(name: string): Promise<void>
}

/** A browser's tab at a page of an admin listener; it is closed when the test is over. Skips the test where there is no browser. */
export async function openTab(
  context: TestContext,
  init: { readonly url: string; readonly token?: string; readonly options?: BrowserContextOptions },
): Promise<Tab> {
  const executablePath = requireTool(context, 'chromium')
  built ??= buildPage()
  await built
  const browser: Browser = await chromium.launch({ executablePath, args: ['--headless=new', '--no-sandbox'] })
  onTestFinished(() => browser.close())
  const { origin } = new URL(init.url)
  const page = await (await browser.newContext(init.options ?? {})).newPage()
  const offences: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') offences.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => offences.push(`error: ${error.message}`))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol !== 'data:' && url.origin !== origin) offences.push(`request: ${request.url()}`)
  })
  await page.goto(init.url)
  if (init.token !== undefined) {
    await page.getByLabel('Node token').fill(init.token)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
  }
  return {
    page,
    offences,
    async picture(name) {
      mkdirSync(PICTURES, { recursive: true })
      await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true })
    },
  }
}

/** As `npm test` has done already; whoever runs a single file has not. */
async function buildPage(): Promise<void> {
  const { code, stderr } = await run([process.execPath, join(ROOT, 'deploy/page.mjs')], {
    cwd: ROOT,
    env: cleanEnv(),
    timeoutMs: 50_000,
  })
  if (code !== 0) throw new Error(stderr)
}
