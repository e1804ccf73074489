import { expect, it } from 'vitest'
import { MAX_LAMPORT } from '../../../node/ledger/constants.ts'
import { Ledger } from '../../../node/ledger/ledger.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { NOW } from '../trust/fixture.ts'
import { mesh, opBy, operatorOf, scope } from './fixture.ts'

const temp = useTempFolders()
const PURL = 'pkg:npm/left-pad'

function openLedger(folder = temp.create()): Ledger {
  return new Ledger({ onTrouble: (what) => expect.fail(what) }, { folder, adminKey: scope.adminKey })
}

it('cannot use up the numbers by which ops follow each other: others issue some, and its ops are taken back', () => {
  const [thief, ada] = [operatorOf(), operatorOf({ name: 'bob' })]
  const folder = temp.create()
  const ledger = openLedger(folder)
  ledger.issue('policy.block', { purl: 'pkg:npm/a' }, mesh.adminKey, NOW)
  for (const lamport of [MAX_LAMPORT, MAX_LAMPORT - 1])
    ledger.relay(opBy(thief, { type: 'mirrors.set', body: { name: 'npm', entry: false }, lamport }).text)
  ledger.relay(opBy(ada, { ...ledger.positionOf(ada.key.publicKey), body: { purl: PURL } }).text)
  const unset = ledger.issue('mirrors.unset', { name: 'npm' }, mesh.adminKey, NOW)
  expect(ledger.state.isInEffect(unset)).toBe(false)
  ledger.issue('operator.revoke', { operator: thief.key.publicKey }, mesh.adminKey, NOW)
  for (const { state } of [ledger, openLedger(folder)])
    expect([state.isInEffect(unset), state.inEffect('package blocked').length]).toEqual([true, 2])
  expect(ledger.issue('policy.unblock', { purl: PURL }, mesh.adminKey, NOW).lamport).toBe(5)
})

it('is not followed far however it climbs, and what the admin issues is', () => {
  const thief = operatorOf()
  const ledger = openLedger()
  const far = 2 ** 40
  ledger.relay(opBy(thief, { lamport: far }).text)
  expect(ledger.positionOf(thief.key.publicKey).lamport).toBe(1)
  ledger.relay(opBy(thief, { lamport: 1_000, body: { purl: 'pkg:npm/a' } }).text)
  expect(ledger.positionOf(thief.key.publicKey).lamport).toBe(1_001)
  const { text } = ledger.issue('policy.block', { purl: 'pkg:npm/b' }, mesh.adminKey, NOW)
  expect(openLedger().add([text]).added[0]?.lamport).toBe(1_001)
})
