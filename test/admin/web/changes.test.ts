import { expect, test } from 'vitest'
import { loadNodeToken } from '../../../node/node-token.ts'
import { scripted } from '../../clients/behind.ts'
import { json } from '../../harness/answer.ts'
import { openTab } from '../../harness/browser.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { startAdminNode } from '../api/admin-node.ts'

const folders = useTempFolders()

/** A node that keeps two packages, and the page of it. */
async function opened(context: Parameters<typeof openTab>[0], view: string) {
  const upstream = await scripted()
  for (const name of ['left', 'right']) upstream.on(`/${name}`, json({ name, versions: {}, 'dist-tags': {} }))
  const data = folders.create('data')
  const node = await startAdminNode(data, { upstream: upstream.origin })
  for (const name of ['left', 'right']) await (await fetch(`${node.npm}${name}`)).arrayBuffer()
  const url = `${node.admin}/admin/#/${view}`
  return { upstream, node, ...(await openTab(context, { url, token: loadNodeToken(data).value })) }
}

test('a mirror is added, tested, changed and taken away', async (context) => {
  const { node, upstream, page, offences, picture } = await opened(context, 'mirrors')
  await page.getByRole('button', { name: 'Add a mirror' }).click()
  await page.getByLabel('Name', { exact: true }).fill('npm-corp')
  await page.getByLabel('Protocol').selectOption('npm')
  await page.getByLabel('Upstreams').fill('nonsense')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('dialog').getByText('but must be').waitFor()
  expect(offences.splice(0)).toEqual([expect.stringContaining('400')])
  await page.getByLabel('Upstreams').fill(`${upstream.origin}/`)
  await page.getByLabel('Further settings').fill('{"lifetime": "10m"}')
  await picture('mirror-new')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByText('The mirror npm-corp is added at this node.').waitFor()
  await page.getByRole('row', { name: 'npm-corp' }).getByText('this node').waitFor()
  expect((await fetch(`${node.url}/npm-corp/left`)).status).toBe(200)
  await picture('mirrors')

  await page.getByRole('button', { name: 'Test npm-corp' }).click()
  await page.getByRole('dialog').getByText('answers').waitFor()
  await picture('mirror-test')
  await page.keyboard.press('Escape')

  const change = page.getByRole('button', { name: 'Change npm-corp' })
  await change.click()
  await page.getByRole('dialog').waitFor()
  const meanwhile = { protocol: 'npm', upstreams: [`${upstream.origin}/`], lifetime: '5m' }
  expect((await node.ask('PUT', 'mirrors/npm-corp', meanwhile)).status).toBe(200)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('dialog').getByText('read it again').waitFor()
  expect(offences.splice(0)).toEqual([expect.stringContaining('412')])
  await page.keyboard.press('Escape')

  await change.click()
  expect(await page.getByLabel('Further settings').inputValue()).toContain('5m')
  await page.getByRole('button', { name: 'Take away' }).click()
  await page.getByText('The mirror npm-corp is taken away at this node.').waitFor()
  expect((await fetch(`${node.url}/npm-corp/left`)).status).toBe(404)
  expect(offences).toEqual([])
})

test('a package is blocked, and not any more', async (context) => {
  const { node, page, offences, picture } = await opened(context, 'policy')
  await page.getByLabel('Package URL').fill('pkg:npm/left')
  await page.getByLabel('Reason').fill('it was tampered with')
  await page.getByRole('button', { name: 'Block', exact: true }).click()
  await page.getByText('pkg:npm/left is blocked at this node.').waitFor()
  expect((await fetch(`${node.npm}left`)).status).toBe(403)
  await picture('policy')
  await page.getByRole('button', { name: 'Unblock pkg:npm/left' }).click()
  await page.getByText('The block of pkg:npm/left is taken back.').waitFor()
  expect((await fetch(`${node.npm}left`)).status).toBe(200)

  await page.getByRole('button', { name: 'Change a setting' }).click()
  await page.getByLabel('Package URLs').fill('pkg:npm/right\npkg:npm/wrong')
  await picture('policy-setting')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('The policy is changed at this node.').waitFor()
  await page.getByText('pkg:npm/right, pkg:npm/wrong').waitFor()
  expect((await fetch(`${node.npm}right`)).status).toBe(403)
  expect(offences).toEqual([])
})

test('a purge is tried, confirmed by a word and followed to its end', async (context) => {
  const { node, page, offences, picture } = await opened(context, 'purge')
  await page.getByLabel('Package URL').fill('pkg:npm/left')
  await page.getByRole('button', { name: 'See what would go' }).click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('1 name,').waitFor()
  const purge = dialog.getByRole('button', { name: 'Purge', exact: true })
  expect(await purge.isDisabled()).toBe(true)
  await dialog.getByLabel('Type «purge»').fill('purge')
  await picture('purge-confirm')
  await purge.click()
  await page.getByText('Done at this node').waitFor()
  await page.getByText('1 name, 1 blob,').waitFor()
  await picture('purge-done')
  const left = (await node.ask('GET', 'cache')).json.entries.map(({ path }: { path: string }) => path)
  expect(left).toEqual(['right'])
  expect(offences).toEqual([])
})
