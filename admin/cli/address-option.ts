import { memberMultiaddr } from '../../node/member-address.ts'
import { UsageError } from './exit-codes.ts'

/** The multiaddr that somebody gave with `--address`. Throws UsageError. */
export function memberAddress(text: string, peer?: string): string {
  const address = memberMultiaddr(text, peer)
  if (address !== undefined) return address
  throw new UsageError(
    `--address: ${JSON.stringify(text)} must be host:port, such as seed.example.test:7471, or a multiaddr, such as /dns4/seed.example.test/tcp/7471`,
  )
}
