import { mkdirSync, readFileSync, rmdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { MAX_HISTORY, MAX_LAMPORT } from '../../../node/ledger/constants.ts'
import { LEDGER_FILE, Ledger } from '../../../node/ledger/ledger.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { NOW } from '../trust/fixture.ts'
import { mesh, type Operator, opBy, operatorOf, scope, TICKET } from './fixture.ts'

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

/** More changes of one thing than are remembered. */
function manyChanges(thief: Operator): readonly string[] {
  return Array.from({ length: MAX_HISTORY + 400 }, (_, at) => {
    const body = { name: 'npm', entry: { at, padding: 'x'.repeat(1_500) } }
    return opBy(thief, { type: 'mirrors.set', body, seq: at + 1, lamport: at + 1 }).text
  })
}

it('cannot fill the memory where the disk is full', () => {
  const folder = temp.create()
  const file = join(folder, LEDGER_FILE)
  mkdirSync(file)
  const ledger = new Ledger({ onTrouble() {} }, { folder, adminKey: scope.adminKey })
  for (const text of manyChanges(operatorOf())) ledger.add([text])
  rmdirSync(file)
  ledger.add([opBy(operatorOf()).text])
  expect(readFileSync(file, 'latin1').trim().split('\n').length).toBe(MAX_HISTORY + 2)
})

it('cannot fill the disk by changes of one thing: what was replaced is left out of the file in time', () => {
  const thief = operatorOf()
  const folder = temp.create()
  const ledger = openLedger(folder)
  ledger.add(manyChanges(thief))
  const issued = ledger.issue('ticket.revoke', { ticket: TICKET }, mesh.adminKey, NOW)
  const size = () => statSync(join(folder, LEDGER_FILE)).size
  const before = size()
  expect(before).toBeGreaterThan(4 << 20)
  expect(ledger.refresh()).toEqual([])
  const after = size()
  expect(after).toBeLessThan(0.9 * before)
  // Not again and again.
  const { ino } = statSync(join(folder, LEDGER_FILE))
  ledger.refresh()
  expect(statSync(join(folder, LEDGER_FILE)).ino).toBe(ino)
  const again = openLedger(folder)
  expect([again.summary, again.all().length, again.state.ticketRevocation(TICKET)]).toEqual([
    ledger.summary,
    ledger.all().length,
    issued,
  ])
  // What another process writes meanwhile is not lost.
  const other = again.issue('ticket.revoke', { ticket: 'f'.repeat(16) }, mesh.adminKey, NOW)
  expect(ledger.refresh()).toEqual([other])
})
