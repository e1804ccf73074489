import { expect, test } from 'vitest'
import { loadNodeToken } from '../../../node/node-token.ts'
import { scripted } from '../../clients/behind.ts'
import { json } from '../../harness/answer.ts'
import { openTab } from '../../harness/browser.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { TestMesh } from '../../harness/test-mesh.ts'

const folders = useTempFolders()

const VIEWS = ['Overview', 'Mesh', 'Upstreams', 'Cache', 'Mirrors', 'Policy', 'Purge', 'Ledger']

/** A seed and a member with something in them, at the page of the member. */
async function opened(context: Parameters<typeof openTab>[0], options: Parameters<typeof openTab>[1]['options'] = {}) {
  const upstream = await scripted()
  const name = '@some-rather-long-organization/with-a-package-of-a-long-name-that-has-no-place-to-break'
  upstream.on(/long/, json({ name, versions: {}, 'dist-tags': {} }))
  const mesh = await TestMesh.create(folders, { upstream: upstream.origin })
  const member = await mesh.join({ upstream: upstream.origin })
  await (await fetch(`${member.npm}${name.replace('/', '%2f')}`)).arrayBuffer()
  await member.api('POST', 'policy/blocks', {
    purl: `pkg:npm/${name}`,
    reason: 'it has been tampered with, and has a long name',
  })
  const token = loadNodeToken(member.data).value
  return openTab(context, { url: `${member.admin}/admin/`, token, options })
}

test('on a phone of 360 px nothing goes beyond the edge, in any view', async (context) => {
  const { page, offences, picture } = await opened(context, { viewport: { width: 360, height: 740 } })
  for (const view of VIEWS) {
    await page.getByRole('navigation').getByRole('link', { name: view }).click()
    await page.getByRole('heading', { level: 1, name: view }).waitFor()
    await page.waitForLoadState('networkidle')
    expect([view, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([view, 360])
    await picture(`phone-${view.toLowerCase()}`)
  }
  await page.getByRole('link', { name: 'Cache' }).click()
  await page.locator('.virtual-row').getByRole('button').first().click()
  await page.getByRole('dialog').getByText('sha256', { exact: true }).waitFor()
  expect(
    await page.evaluate("document.querySelector('dialog').scrollWidth <= document.querySelector('dialog').clientWidth"),
  ).toBe(true)
  await picture('phone-artifact')
  expect(offences).toEqual([])
})

test('whoever likes it dark has it dark', async (context) => {
  const { page, offences, picture } = await opened(context, { colorScheme: 'dark' })
  for (const view of ['Overview', 'Mesh', 'Policy']) {
    await page.getByRole('navigation').getByRole('link', { name: view }).click()
    await page.getByRole('heading', { level: 1, name: view }).waitFor()
    if (view === 'Mesh') await page.getByText('1 of 1 member').waitFor()
    await picture(`dark-${view.toLowerCase()}`)
  }
  const ground = (await page.evaluate('getComputedStyle(document.body).backgroundColor')) as string
  expect(Math.max(...(ground.match(/\d+/g) ?? ['255']).map(Number))).toBeLessThan(64)
  expect(offences).toEqual([])
})

test('all of it can be reached by keyboard alone', async (context) => {
  const { page, offences } = await opened(context)
  const focused = () =>
    page.evaluate('document.activeElement.innerText || document.activeElement.ariaLabel || document.activeElement.tagName')
  await page.reload()
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.keyboard.press('Tab')
  expect(await focused()).toBe('Skip to content')
  await page.keyboard.press('Enter')
  expect(await focused()).toBe('Overview')
  await page.keyboard.press('Shift+Tab')
  expect(await focused()).toBe('Ledger')
  const order = ['Purge', 'Policy', 'Mirrors', 'Cache']
  for (const view of order) {
    await page.keyboard.press('Shift+Tab')
    expect(await focused()).toBe(view)
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
  }
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { level: 1, name: 'Cache' }).waitFor()
  await page.getByText('1 found').waitFor()
  expect(await focused()).toBe('Cache')
  const onArtifact = () => page.evaluate("document.activeElement.matches('.item')")
  for (let step = 0; step < 12 && !(await onArtifact()); step++) await page.keyboard.press('Tab')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  for (let step = 0; step < 5; step++) {
    await page.keyboard.press('Tab')
    expect(
      await page.evaluate("document.activeElement === document.body || document.activeElement.closest('dialog') !== null"),
    ).toBe(true)
  }
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(await focused()).toContain('pkg:npm/')
  expect(offences).toEqual([])
})
