import { isLoopback } from '../../node/tcp-address.ts'

/**
 * Whether a URL leads to who listens at an address: `localhost` and each address of loopback are one; a node that listens everywhere
 * is met at any name of this machine.
 */
export function isSameListener(url: URL, address: URL): boolean {
  if (portOf(url) !== portOf(address)) return false
  const [one, other] = [hostOf(url), hostOf(address)]
  if (one === other) return true
  return isLoopback({ host: one }) && (isLoopback({ host: other }) || other === '0.0.0.0' || other === '::')
}

/** Without the brackets of IPv6. */
export function hostOf({ hostname }: Pick<URL, 'hostname'>): string {
  return hostname.replace(/^\[|\]$/g, '')
}

function portOf({ port, protocol }: URL): string {
  return port || (protocol === 'https:' ? '443' : '80')
}
