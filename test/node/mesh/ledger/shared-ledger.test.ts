import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { Ledger } from '../../../../node/ledger/ledger.ts'
import { SharedLedger, type SharedLedgerComponents } from '../../../../node/mesh/ledger/shared-ledger.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { eventually } from '../../../harness/wait.ts'
import { opWith, scope } from '../../ledger/fixture.ts'

const temp = useTempFolders()

/** Somebody who hears of fifty ops one after the other, and what `apply` is asked to put into effect. */
async function hearing(apply: () => Promise<void>) {
  const ledger = new Ledger({ onTrouble: (what) => expect.fail(what) }, { folder: temp.create(), adminKey: scope.adminKey })
  const acknowledged: string[] = []
  const components = {
    ledger,
    clock: new VirtualClock(),
    log: pino({ level: 'silent' }),
    libp2p: { getPeers: () => [] },
    book: { review: () => [], roleOf: () => undefined },
    gate: {},
    own: { review: () => false, role: 'member' },
    acks: { renew: () => void acknowledged.push(ledger.summary.digest), own: undefined },
    effects: { apply, isPurging: false },
    cutSockets() {},
    onSettled() {},
  }
  const shared = new SharedLedger(components as unknown as SharedLedgerComponents)
  for (let lamport = 1; lamport <= 50; lamport++) {
    shared.heard(opWith({ type: 'purge', body: { scopes: [{ kind: 'all' }] }, lamport }).text)
    await setImmediate()
  }
  return { shared, ledger, acknowledged }
}

it('puts all into effect at once that came while it was busy, however much that is', async () => {
  const busy: (() => void)[] = []
  const { shared, ledger, acknowledged } = await hearing(() => new Promise((end) => busy.push(end)))
  for (let at = 0; at < busy.length; at++) {
    busy[at]?.()
    await eventually('the next one begins, or there is none', () => busy.length > at + 1 || acknowledged.length > 0)
  }
  expect([busy.length, acknowledged]).toEqual([2, [ledger.summary.digest]])
  shared.stop()
})

it('leaves the event loop to others for longer than a change has kept it', async () => {
  let times = 0
  const { shared, ledger, acknowledged } = await hearing(async () => {
    times++
    for (const end = performance.now() + 100; performance.now() < end; );
  })
  await eventually('all is in effect', () => acknowledged.at(-1) === ledger.summary.digest)
  expect(times).toBeLessThan(25)
  shared.stop()
})
