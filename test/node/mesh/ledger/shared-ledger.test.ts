import { setImmediate } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, it } from 'vitest'
import { Ledger } from '../../../../node/ledger/ledger.ts'
import { SharedLedger, type SharedLedgerComponents } from '../../../../node/mesh/ledger/shared-ledger.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { opWith, scope } from '../../ledger/fixture.ts'

const temp = useTempFolders()

it('puts all into effect at once that came while it was busy, however much that is', async () => {
  const ledger = new Ledger({ onTrouble: (what) => expect.fail(what) }, { folder: temp.create(), adminKey: scope.adminKey })
  const busy: { digest: string; end: () => void }[] = []
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
    effects: {
      apply: () => new Promise<void>((end) => busy.push({ digest: ledger.summary.digest, end })),
      isPurging: false,
    },
    cutSockets() {},
    onSettled() {},
  }
  const shared = new SharedLedger(components as unknown as SharedLedgerComponents)
  for (let lamport = 1; lamport <= 50; lamport++) {
    shared.heard(opWith({ type: 'purge', body: { scopes: [{ kind: 'all' }] }, lamport }).text)
    await setImmediate()
  }
  for (let at = 0; at < busy.length; at++) {
    busy[at]?.end()
    await setImmediate()
  }
  expect([busy.length, busy.at(-1)?.digest, acknowledged]).toEqual([2, ledger.summary.digest, [ledger.summary.digest]])
  shared.stop()
})
