import { expect, test } from 'vitest'
import { loadNodeToken } from '../../../node/node-token.ts'
import { openTab } from '../../harness/browser.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startAdminNode } from '../api/admin-node.ts'

const folders = useTempFolders()

test('without the token the page shows counts, and with it more, for as long as the tab is open', async (context) => {
  const data = folders.create('data')
  const node = await startAdminNode(data)
  const { page, offences, picture } = await openTab(context, { url: `${node.admin}/admin/` })
  await page.getByText('Where answers come from').waitFor()
  expect(await page.getByText(data).count()).toBe(0)
  await picture('signed-out')

  await page.getByLabel('Node token').fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText('that is not the token of this node').waitFor()
  expect(offences.splice(0)).toEqual([expect.stringContaining('401')])

  await page.getByLabel('Node token').fill(loadNodeToken(data).value)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByText(data).waitFor()
  expect(await page.context().cookies()).toEqual([])
  expect(await page.evaluate('localStorage.length')).toBe(0)
  await page.reload()
  await page.getByText(data).waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Node token').waitFor()
  expect(await page.evaluate('sessionStorage.length')).toBe(0)
  expect(offences).toEqual([])
})
