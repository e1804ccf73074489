import { peerId } from '../../node/trust/certificates.ts'
import { UsageError } from './exit-codes.ts'
import { membersSeen } from './running-node.ts'
import { loadSettings, type SettingFlags } from './settings.ts'

/** Characters of an end that names a member: `warren peers` shows eight. */
const LEAST_END = 6

/** Throws UsageError for what is no peer id; where it is the end of one, as `warren peers` shows it, with the whole. */
export async function checkPeer(text: string, options: SettingFlags): Promise<void> {
  if (peerId.safeParse(text).success) return
  const seen = text.length < LEAST_END ? [] : ((await membersSeen(loadSettings(options).config.data)) ?? [])
  const meant = seen.filter(({ id }) => id.endsWith(text)).map(({ id }) => id)
  // Not taken for it: a stranger may search for a key whose peer id ends like that of another member.
  if (meant.length > 0)
    throw new UsageError(`${JSON.stringify(text)} is only the end of a peer id: give all of ${meant.join(', or of ')}`)
  throw new UsageError(
    `${JSON.stringify(text)} is no peer id: it begins with 12D3KooW and has 52 characters; «warren status» shows that of a node, «warren peers --json» those of the others`,
  )
}
