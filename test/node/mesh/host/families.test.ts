import { networkInterfaces } from 'node:os'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, onTestFinished, test } from 'vitest'
import { createMesh, issueTicket, joinMesh } from '../../../../node/trust/membership.ts'
import { decodeTicket } from '../../../../node/trust/ticket.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { freePort } from '../../../harness/server-process.ts'
import { HonestHost, newKey } from '../stranger.ts'

useLeakCheck()

const NOW = Date.UTC(2026, 0, 1)

test('a host that listens on all addresses of IPv6 is met by either family, as it tells others', async (context) => {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  if (!addresses.some(({ address }) => address === '::1')) context.skip('this machine has no ::1')
  const seed = newKey()
  const { membership, adminKey } = createMesh({ peer: seed.peerId, addresses: [], now: NOW })
  const ticket = decodeTicket(issueTicket({ adminKey, membership, role: 'member', notAfter: NOW + 1, now: NOW }))
  const port = await freePort()
  const listener = await HonestHost.open(seed, membership, NOW, { host: '::', port })
  onTestFinished(() => listener.close())
  for (const address of [`/ip6/::1/tcp/${port}`, `/ip4/127.0.0.1/tcp/${port}`]) {
    const key = newKey()
    const asker = await HonestHost.open(key, joinMesh({ ticket, peer: key.peerId, now: NOW }), NOW)
    onTestFinished(() => asker.close())
    const { remotePeer } = await asker.host.libp2p.dial(multiaddr(address))
    expect([address, remotePeer.toString()]).toEqual([address, seed.peerId])
  }
})
