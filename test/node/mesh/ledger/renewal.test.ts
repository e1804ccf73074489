import { pino } from 'pino'
import { afterEach, expect, it } from 'vitest'
import { Ledger } from '../../../../node/ledger/ledger.ts'
import { OwnStanding } from '../../../../node/mesh/ledger/own-standing.ts'
import { Renewal } from '../../../../node/mesh/ledger/renewal.ts'
import { MemberGate } from '../../../../node/mesh/member-gate.ts'
import { generateKey, keyToPem, type SigningKey } from '../../../../node/trust/keys.ts'
import type { Membership } from '../../../../node/trust/membership.ts'
import { MeshFolder } from '../../../../node/trust/mesh-folder.ts'
import { writeSecretFile } from '../../../../node/trust/secret-file.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { DAY, NOW, TrialMesh } from '../../trust/fixture.ts'

const temp = useTempFolders()
const HOUR = 60 * 60_000

const running: Renewal[] = []
afterEach(() => {
  for (const one of running.splice(0)) one.stop()
})

/** A node of a mesh that was made at `NOW`, on a data folder with a key as the admin key. */
function node(membership: Membership, self: string, key?: SigningKey) {
  const folder = new MeshFolder(temp.create())
  if (key) writeSecretFile(folder.adminKeyFile, keyToPem(key))
  const log: { level: number; msg: string }[] = []
  const clock = new VirtualClock(NOW)
  const ledger = new Ledger(
    { onTrouble: (message) => expect.fail(message) },
    { folder: folder.path, adminKey: membership.adminKey },
  )
  const gate = new MemberGate({ clock, state: ledger.state }, { membership, self, version: '1' })
  const logger = pino({}, { write: (line: string) => void log.push(JSON.parse(line)) })
  const own = new OwnStanding({ gate, state: ledger.state, folder, clock, log: logger }, { self })
  const renewal = new Renewal({ ledger, gate, own, folder, clock, log: logger, onRenewed: () => void own.review() })
  running.push(renewal)
  renewal.start()
  /** Lets time pass, and the node look. */
  const wait = async (days: number) => {
    clock.jump(days * DAY)
    await clock.advance(HOUR)
  }
  const warnings = () => log.filter(({ level }) => level >= 40).map(({ msg }) => msg)
  return { folder, ledger, own, clock, log, wait, warnings }
}

it('a seed with the admin key renews its own certificate, keeps it, and never warns', async () => {
  const mesh = new TrialMesh()
  const { own, ledger, wait, warnings, clock, folder } = node(mesh.membership, mesh.seed, mesh.adminKey)
  for (const days of [240, 4, 200, 40, 5, 300]) await wait(days)
  expect(ledger.all().map(({ type }) => type)).toEqual(['seed.renew', 'seed.renew', 'seed.renew'])
  expect(own.notAfter - clock.now()).toBeGreaterThan(100 * DAY)
  expect(warnings()).toEqual([])
  expect(folder.membership()?.chain.length).toBe(1)
})

it('a seed without it warns 30 days ahead, once a day, until its certificate has ended', async () => {
  const mesh = new TrialMesh()
  const { own, ledger, wait, warnings } = node(mesh.membership, mesh.seed)
  await wait(330)
  expect(warnings()).toEqual([])
  await wait(5)
  const end = new Date(NOW + 365 * DAY).toISOString()
  const warning = `the certificate of this seed ends at ${end}: renew it where the admin key is (warren seed renew)`
  expect(warnings()).toEqual([warning])
  for (let hour = 0; hour < 22; hour++) await wait(0)
  expect(warnings().length).toBe(1)
  for (let hour = 0; hour < 3; hour++) await wait(0)
  expect(warnings()).toEqual([warning, warning])
  await wait(40)
  expect(warnings().length).toBe(2)
  // What then is wrong is told by the node's own standing.
  own.review()
  expect(warnings()[2]).toContain('so no member lets this node in')
  expect(ledger.all()).toEqual([])
})

it('a member neither renews nor warns, also where there is an admin key, which is that of another mesh', async () => {
  const mesh = new TrialMesh()
  const { ledger, wait, warnings } = node(mesh.joined, mesh.peer, generateKey())
  await wait(25)
  expect([ledger.all(), warnings()]).toEqual([[], []])
})

it('an admin key that cannot be used is told of, and the seed warns', async () => {
  const mesh = new TrialMesh()
  const { folder, wait, warnings } = node(mesh.membership, mesh.seed)
  writeSecretFile(folder.adminKeyFile, 'no key')
  await wait(350)
  expect(warnings()).toEqual([
    expect.stringContaining('certificates of seeds are not renewed: '),
    expect.stringContaining('the certificate of this seed ends at'),
  ])
})
