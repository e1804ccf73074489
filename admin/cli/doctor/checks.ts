import { checkCertificates } from './checks/certificates.ts'
import { checkClients } from './checks/clients.ts'
import { checkClock } from './checks/clock.ts'
import { checkDataFolder } from './checks/data-folder.ts'
import { checkLedger } from './checks/ledger.ts'
import { checkLimits } from './checks/limits.ts'
import { checkNode } from './checks/node.ts'
import { checkPeers } from './checks/peers.ts'
import { checkPorts } from './checks/ports.ts'
import { checkSecrets } from './checks/secrets.ts'
import { checkSettings } from './checks/settings.ts'
import { checkUpstreams } from './checks/upstreams.ts'
import { checkUser } from './checks/user.ts'
import type { Finding } from './finding.ts'
import type { Scene } from './scene.ts'

interface Check {
  /** What it is about, for people and for `--json`. */
  readonly name: string
  /** Nothing where it does not apply, or cannot be told. Changes nothing. */
  run(scene: Scene): readonly Finding[] | Promise<readonly Finding[]>
}

export interface Diagnosis extends Finding {
  readonly check: string
}

/** In the order in which somebody would look. */
const CHECKS: readonly Check[] = [
  { name: 'settings', run: checkSettings },
  { name: 'node', run: checkNode },
  { name: 'user', run: checkUser },
  { name: 'data', run: checkDataFolder },
  { name: 'secrets', run: checkSecrets },
  { name: 'ports', run: checkPorts },
  { name: 'limits', run: checkLimits },
  { name: 'clock', run: checkClock },
  { name: 'upstreams', run: checkUpstreams },
  { name: 'mesh', run: checkPeers },
  { name: 'certificate', run: checkCertificates },
  { name: 'ledger', run: checkLedger },
  { name: 'clients', run: checkClients },
]

/** What all checks see. */
export async function examine(scene: Scene): Promise<Diagnosis[]> {
  const found = await Promise.all(CHECKS.map(async ({ name, run }) => ({ name, findings: await run(scene) })))
  return found.flatMap(({ name, findings }) => findings.map((finding) => ({ check: name, ...finding })))
}
