import { peerId } from '../../node/trust/certificates.ts'
import { UsageError } from './exit-codes.ts'

/** Throws UsageError for what is no peer id. */
export function checkPeer(text: string): void {
  if (peerId.safeParse(text).success) return
  throw new UsageError(
    `${JSON.stringify(text)} is no peer id: it begins with 12D3KooW and has 52 characters; «warren status» shows that of a node, «warren peers --json» those of the others`,
  )
}
