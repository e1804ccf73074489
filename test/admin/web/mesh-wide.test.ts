import { expect, test } from 'vitest'
import { loadNodeToken } from '../../../node/node-token.ts'
import { issueOperatorCertificate } from '../../../node/trust/certificates.ts'
import { generateKey } from '../../../node/trust/keys.ts'
import { encodeOperatorKey } from '../../../node/trust/operator-key.ts'
import { scripted } from '../../clients/behind.ts'
import { json } from '../../harness/answer.ts'
import { openTab } from '../../harness/browser.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { TestMesh } from '../../harness/test-mesh.ts'
import { eventually } from '../../harness/wait.ts'

const folders = useTempFolders()

/** What `warren operator add` prints. */
function operatorKey({ membership, adminKey }: TestMesh): string {
  const key = generateKey()
  const now = Date.now()
  const said = { mesh: membership.mesh, key: key.publicKey, name: 'ann', issuedAt: now, notAfter: now + 3_600_000 }
  const text = issueOperatorCertificate({ ...said, scope: ['purge', 'policy', 'mirrors'] }, adminKey)
  return encodeOperatorKey({ key, text }, adminKey.publicKey)
}

test('at a member, an operator purges the whole mesh, follows it node by node, and finds it in the ledger', async (context) => {
  const upstream = await scripted()
  upstream.on('/left', json({ name: 'left', versions: {}, 'dist-tags': {} }))
  const mesh = await TestMesh.create(folders, { upstream: upstream.origin })
  const members = [await mesh.join({ upstream: upstream.origin }), await mesh.join({ upstream: upstream.origin })]
  const all = [mesh.seed, ...members]
  for (const node of all) await (await fetch(`${node.npm}left`)).arrayBuffer()
  const [member] = members
  if (!member) throw new Error('nobody joined')
  const token = loadNodeToken(member.data).value
  const { page, offences, picture } = await openTab(context, { url: `${member.admin}/admin/#/mesh`, token })
  await page.getByText('2 of 2 members').waitFor()
  await picture('mesh')

  await page.getByRole('link', { name: 'Purge' }).click()
  await page.getByLabel('Package URL').fill('pkg:npm/left')
  await page.getByLabel('The whole mesh').check()
  const begin = async () => {
    await page.getByRole('button', { name: 'See what would go' }).click()
    await page.getByLabel('Type «purge the mesh»').fill('purge the mesh')
    await page.getByRole('dialog').getByRole('button', { name: 'Purge', exact: true }).click()
  }
  await begin()
  await page.getByText('warren operator add').waitFor()
  expect(offences.splice(0)).toEqual([expect.stringContaining('403')])
  await page.keyboard.press('Escape')

  await page.getByLabel('Operator key').fill(operatorKey(mesh))
  await page.getByRole('button', { name: 'Sign with it' }).click()
  await page.getByText('Signed by operator ann').waitFor()
  await begin()
  await page.getByText('All 3 nodes have put it into effect').waitFor()
  await page.getByText('Done at this node').waitFor()
  await picture('purge-mesh')
  for (const node of all)
    await eventually('it is nowhere any more', async () => (await node.api('GET', 'cache')).body.entries.length === 0)

  await page.getByRole('link', { name: 'Ledger' }).click()
  await page.getByRole('button', { name: 'pkg:npm/left' }).click()
  await page.getByRole('dialog').getByText('All 3 nodes').waitFor()
  await picture('ledger-op')
  await page.keyboard.press('Escape')
  await picture('ledger')

  await page.getByRole('link', { name: 'Mirrors' }).click()
  await page.getByRole('button', { name: 'Add a mirror' }).click()
  await page.getByLabel('Name', { exact: true }).fill('npm-corp')
  await page.getByLabel('Protocol').selectOption('npm')
  await page.getByLabel('Upstreams').fill(`${upstream.origin}/`)
  await page.getByLabel('The whole mesh').check()
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByText('The mirror npm-corp is added in the whole mesh.').waitFor()
  for (const node of all)
    await eventually('it works at every node', async () => (await fetch(`${node.url}/npm-corp/left`)).status === 200)

  await members[1]?.node.stop()
  await page.getByRole('link', { name: 'Purge' }).click()
  await page.getByLabel('Everything').check()
  await page.getByLabel('The whole mesh').check()
  await begin()
  await page.getByText('2 of 3 nodes have put it into effect').waitFor()
  await page.getByText('away, seen').waitFor()
  await picture('purge-mesh-missing')

  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Node token').fill(token)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel('The whole mesh').check()
  await page.getByLabel('Operator key').waitFor()
  expect(offences).toEqual([])
})
