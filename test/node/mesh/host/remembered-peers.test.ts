import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { RememberedPeers } from '../../../../node/mesh/host/remembered-peers.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { peerId } from './peer-ids.ts'

useLeakCheck()
const folders = useTempFolders()

const DAY = 24 * 60 * 60_000

function notebook(folder = folders.create('mesh'), clock = new VirtualClock()) {
  const warnings: string[] = []
  const log = pino({ level: 'warn' }, { write: (line: string) => void warnings.push(JSON.parse(line).msg) })
  const open = () => new RememberedPeers({ clock, log }, { folder })
  return { folder, file: join(folder, 'peers.json'), clock, warnings, open }
}

test('members are remembered over a restart, those seen last first, in a file for this user alone', async () => {
  const { clock, open, file, warnings } = notebook()
  const before = open()
  before.saw(peerId(1), ['/ip4/10.0.0.1/tcp/7471'])
  await clock.advance(1_000)
  before.saw(peerId(2), ['/ip4/10.0.0.2/tcp/7471', '/ip6/2001:db8::2/tcp/7471'])
  await before.stop()
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(open().all()).toEqual([
    { id: peerId(2), addresses: ['/ip4/10.0.0.2/tcp/7471', '/ip6/2001:db8::2/tcp/7471'], lastSeen: clock.now() },
    { id: peerId(1), addresses: ['/ip4/10.0.0.1/tcp/7471'], lastSeen: clock.now() - 1_000 },
  ])
  expect(warnings).toEqual([])
})

test('the file is written at most every half a minute, and not at all when nothing changed', async () => {
  const { clock, open, file } = notebook()
  const peers = open()
  const written = () => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).peers.length : 0)
  await clock.advance(60_000)
  expect(existsSync(file)).toBe(false)
  expect(clock.sleeping).toBe(0)
  peers.saw(peerId(1), ['/ip4/10.0.0.1/tcp/1'])
  await clock.advance(29_999)
  expect(written()).toBe(0)
  peers.saw(peerId(2), ['/ip4/10.0.0.2/tcp/1'])
  await clock.advance(1)
  expect(written()).toBe(2)
  expect(clock.sleeping).toBe(0)
  await peers.stop()
})

test('an address that is of use again comes first, and an old one is forgotten', async () => {
  const { open } = notebook()
  const peers = open()
  for (const port of [1, 2, 3, 4, 5, 2]) peers.saw(peerId(1), [`/ip4/10.0.0.1/tcp/${port}`])
  expect(peers.all().map(({ addresses }) => addresses)).toEqual([[2, 5, 4, 3].map((port) => `/ip4/10.0.0.1/tcp/${port}`)])
  await peers.stop()
})

test('sixty-four members are remembered, and none for longer than a month', async () => {
  const { clock, open } = notebook()
  const before = open()
  for (let at = 1; at <= 70; at++) {
    before.saw(peerId(at), [`/ip6/2001:db8:ffff:ffff:ffff:ffff:ffff:${at}/tcp/65535`])
    await clock.advance(DAY / 10)
  }
  await before.stop()
  expect(before.all()).toHaveLength(64)
  expect(before.all()[0]?.id).toBe(peerId(70))
  await clock.advance(25 * DAY)
  const left = open().all()
  expect(left.at(-1)?.id).toBe(peerId(21))
  expect(left).toHaveLength(50)
})

test('an address that is none is not kept, so that it cannot spoil the file', async () => {
  const { open } = notebook()
  const peers = open()
  peers.saw(peerId(1), [`/dns/${'a'.repeat(300)}/tcp/1`])
  peers.saw('somebody', ['/ip4/10.0.0.1/tcp/1'])
  peers.saw(peerId(2), [])
  expect(peers.all()).toEqual([])
  await peers.stop()
})

test.for(['', '{', 'null', '{"v":2,"peers":[]}', '{"v":1,"peers":[{"id":"x"}]}'])(
  'a file that says %j is left aside',
  async (text) => {
    const { file, open, warnings } = notebook()
    writeFileSync(file, text, { mode: 0o600 })
    const peers = open()
    expect(peers.all()).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('peers.json')])
    peers.saw(peerId(1), ['/ip4/10.0.0.1/tcp/1'])
    await peers.stop()
    expect(open().all()).toHaveLength(1)
  },
)

test('a file that others may have written is left aside', () => {
  const { file, open, warnings } = notebook()
  writeFileSync(file, '{"v":1,"peers":[]}')
  chmodSync(file, 0o666)
  expect(open().all()).toEqual([])
  expect(warnings).toEqual([expect.stringContaining('chmod 600')])
})

test('a folder that cannot be written costs the memory and nothing else', async () => {
  const folder = folders.path('mesh')
  writeFileSync(folder, 'a file where the folder should be')
  const { open, warnings } = notebook(folder)
  const peers = open()
  peers.saw(peerId(1), ['/ip4/10.0.0.1/tcp/1'])
  await peers.stop()
  expect(peers.all()).toHaveLength(1)
  expect(warnings.at(-1)).toContain('not remembered')
})
