import { expect, test } from 'vitest'
import type { Peers } from '../../../admin/api/peers-schema.ts'
import { openTab } from '../../harness/browser.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { LONE, startFakeNode } from '../fake-node.ts'

const folders = useTempFolders()

/** Ten seeds and 490 members in four zones; every eleventh is away, one in quarantine. */
function crowd(): Peers['peers'] {
  return Array.from({ length: 500 }, (_, at) => ({
    id: `12D3KooW${String(at).padStart(44, 'x')}`,
    role: at < 10 ? 'seed' : 'member',
    version: '0.1.0',
    addresses: [`/ip4/10.0.0.${at % 250}/tcp/7471`],
    blobs: [],
    connected: at % 11 !== 0,
    lastSeen: Date.now() - at * 1000,
    latency: at / 10,
    bytesIn: at * 1e6,
    bytesOut: at * 1e5,
    quarantine: at === 77 ? { until: Date.now() + 1e6, reason: 'it lied' } : null,
    notAfter: Date.now() + 1e9,
    inventory: null,
    ledgerDiffersSince: null,
    zone: ['eu', 'us', 'asia', null][at % 4] ?? null,
    budget: null,
    ticket: null,
  }))
}

test('a mesh of 500 is a picture with everybody in it, and a list of which a part is in the document', async (context) => {
  const node = await startFakeNode(folders.create('data'))
  node.mesh = { ...LONE, state: 'member', id: 'mesh', role: 'member', peers: 454, seeds: 9 }
  node.peers = crowd()
  const { page, offences, picture } = await openTab(context, { url: `${node.admin}/admin/#/mesh`, token: node.token.value })
  await page.getByText('500 of 500 members').waitFor()
  expect(await page.locator('.picture .dot').count()).toBe(500)
  expect(await page.locator('.virtual-row').count()).toBeLessThan(60)
  await picture('mesh-500')
  await page.getByLabel('Search').fill('quarantine')
  await page.getByText('1 of 500 members').waitFor()
  await page.locator('.virtual-row').getByRole('button').click()
  await page.getByRole('dialog').getByText('it lied').waitFor()
  await picture('peer')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(new URL(page.url()).hash).toBe('#/mesh')
  expect(offences).toEqual([])
})

test('an upstream that fails, and one that has little left to grant, are told by words and signs', async (context) => {
  const node = await startFakeNode(folders.create('data'))
  const { page, offences, picture } = await openTab(context, {
    url: `${node.admin}/admin/#/upstreams`,
    token: node.token.value,
    options: { viewport: { width: 360, height: 740 } },
  })
  const now = Date.now()
  const counts = { inFlight: 2, queued: 3, requests: 1234, failures: 7 }
  const budget = { limit: 100, remaining: 4, window: 21_600, at: now - 60_000, isLow: true }
  await page.route('**/admin/v1/status*', async (route) => {
    const response = await route.fetch()
    const upstream = [
      { origin: 'https://hub.example', state: 'closed', until: 0, ...counts, budget },
      {
        origin: 'https://away.example',
        state: 'open',
        until: now + 30_000,
        ...counts,
        failedInRow: 5,
        lastError: 'it hung up',
      },
    ]
    await route.fulfill({ response, json: { ...(await response.json()), upstream } })
  })
  await page.getByText('4 of 100').waitFor()
  await page.getByText('it hung up').waitFor()
  await picture('phone-upstreams-trouble')
  await page.getByRole('link', { name: 'Overview' }).click()
  await page.getByText('https://away.example fails: it hung up').waitFor()
  await page.getByText('https://hub.example grants 4 more requests only.').waitFor()
  expect(offences).toEqual([])
})
