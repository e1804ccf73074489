import { expect, test } from 'vitest'
import { loadNodeToken } from '../../../node/node-token.ts'
import { scripted } from '../../clients/behind.ts'
import { json } from '../../harness/answer.ts'
import { openTab } from '../../harness/browser.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startAdminNode } from '../api/admin-node.ts'

const folders = useTempFolders()

test('an artifact is found among many, looked at and deleted, and upstreams and charts tell of it', async (context) => {
  const upstream = await scripted()
  const names = Array.from({ length: 250 }, (_, at) => `package-${at}`)
  for (const name of names) upstream.on(`/${name}`, json({ name, versions: {}, 'dist-tags': {} }))
  const data = folders.create('data')
  const node = await startAdminNode(data, { upstream: upstream.origin })
  const url = `${node.admin}/admin/`
  const { page, offences, picture } = await openTab(context, { url, token: loadNodeToken(data).value })
  await Promise.all(names.map(async (name) => (await fetch(`${node.npm}${name}`)).arrayBuffer()))
  await page.getByText('250 answers since this page was opened').waitFor()
  await picture('overview')

  await page.getByRole('link', { name: 'Upstreams' }).click()
  await page.getByRole('row', { name: upstream.origin }).getByText('works').waitFor()
  await picture('upstreams')

  await page.getByRole('link', { name: 'Cache' }).click()
  await page.getByText('200 found so far').waitFor()
  expect(await page.getByRole('listitem').count()).toBeLessThan(60)
  await page.evaluate("document.querySelector('.virtual').scrollTo(0, 1e6)")
  await page.getByText('250 found').waitFor()

  await page.getByLabel('Package URL').fill('pkg:npm/package-17')
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByText('1 found').waitFor()
  await picture('cache')
  await page.getByRole('button', { name: 'pkg:npm/package-17' }).click()
  await page.getByRole('dialog').getByText('this node').waitFor()
  await picture('artifact')
  await page.keyboard.press('Escape')
  expect(await page.getByRole('dialog').count()).toBe(0)
  await page.getByRole('button', { name: 'pkg:npm/package-17' }).click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Yes, delete it from this node' }).click()
  await page.getByText('pkg:npm/package-17 is deleted from this node.').waitFor()
  await page.getByText('0 found').waitFor()
  expect((await node.ask('GET', 'cache?package=pkg:npm/package-17')).json.entries).toEqual([])
  expect(offences).toEqual([])
})
