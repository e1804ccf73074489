import { once } from 'node:events'
import { appendFileSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { beforeEach, describe, expect, it } from 'vitest'
import { LEDGER_FILE, Ledger } from '../../../node/ledger/ledger.ts'
import { LedgerFile } from '../../../node/ledger/ledger-file.ts'
import { generateKey } from '../../../node/trust/keys.ts'
import { signStatement } from '../../../node/trust/statement.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { NOW, refusal } from '../trust/fixture.ts'
import { mesh, opWith, scope, TICKET } from './fixture.ts'

const temp = useTempFolders()
const { adminKey } = scope

let folder: string
let file: string
let trouble: string[]
beforeEach(() => {
  folder = join(temp.create(), 'mesh')
  file = join(folder, LEDGER_FILE)
  trouble = []
})

const open = () => new Ledger({ onTrouble: (message) => trouble.push(message) }, { folder, adminKey })
const lines = () => readFileSync(file, 'latin1').split('\n')
const numbered = (lamport: number) => opWith({ lamport, seq: lamport, body: { ticket: `${lamport}`.padStart(16, '0') } })
const texts = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, at) => numbered(from + at).text)

describe('a ledger', () => {
  it('is empty at first, and writes nothing by being looked at', () => {
    const ledger = open()
    expect([ledger.all(), ledger.summary.count, existsSync(file), trouble]).toEqual([[], 0, false, []])
  })

  it('is there again after a restart, for this user alone', () => {
    const { added } = open().add(texts(1, 3))
    expect(added.map(({ lamport }) => lamport)).toEqual([1, 2, 3])
    const again = open()
    expect(again.all()).toEqual(added)
    expect([statSync(file).mode & 0o777, lines().length, trouble]).toEqual([0o600, 4, []])
    expect(again.state.ticketRevocation('2'.padStart(16, '0'))).toEqual(added[1])
  })

  it.runIf(process.geteuid?.() === 0)('can be read by the user of the node, whose admin wrote an op as root', () => {
    mkdirSync(folder)
    chownSync(folder, 4321, 4322)
    const issued = open().issue('ticket.revoke', { ticket: TICKET }, mesh.adminKey, NOW)
    const { uid, gid } = statSync(file)
    expect([uid, gid, open().all()]).toEqual([4321, 4322, [issued]])
  })

  it('takes each op once, whoever brings it', () => {
    const ledger = open()
    ledger.add(texts(1, 2))
    expect(ledger.add(texts(1, 3)).added.length).toBe(1)
    expect([ledger.all().length, lines().length]).toEqual([3, 4])
  })

  it('has a summary that is the same for the same ops, whatever their order', () => {
    const [one, other] = [open(), new Ledger({ onTrouble: () => {} }, { folder: temp.create(), adminKey })]
    const { digest } = one.summary
    one.add(texts(1, 3))
    other.add(texts(2, 3).reverse())
    expect(other.summary.digest).not.toBe(one.summary.digest)
    other.add(texts(1, 1))
    expect(other.summary).toEqual(one.summary)
    expect(one.summary).toMatchObject({ count: 3 })
    expect(one.summary.digest).not.toBe(digest)
    expect(other.all()).toEqual(one.all())
  })

  it('keeps both of two ops of one author with one number', () => {
    const ledger = open()
    const forks = [opWith({ lamport: 1 }), opWith({ lamport: 1, body: { ticket: 'f'.repeat(16) } })]
    ledger.add(forks.map(({ text }) => text))
    expect(ledger.all().map(({ seq }) => seq)).toEqual([1, 1])
    expect(forks.filter((op) => ledger.state.isInEffect(op)).length).toBe(2)
  })

  it('takes what is right before the first wrong one, and nothing behind it', () => {
    const ledger = open()
    const { added, refused } = ledger.add([...texts(1, 1), opWith({}, generateKey()).text, ...texts(2, 2)])
    expect([added.length, ledger.all().length, lines().length]).toEqual([1, 1, 2])
    expect(refused).toContain('may not issue')
  })

  it('passes over what the admin has signed for a newer version: whoever brings it did not make it up', () => {
    const ledger = open()
    const { text: _text, hash: _hash, ...op } = numbered(2)
    const newer = signStatement('op', { ...op, v: 2, more: 1 }, mesh.adminKey)
    const { added, refused } = ledger.add([...texts(1, 1), newer, ...texts(3, 3)])
    expect([added.map(({ lamport }) => lamport), refused]).toEqual([[1, 3], undefined])
    const forged = signStatement('op', { ...op, v: 2 }, generateKey())
    expect(ledger.add([forged]).refused).toContain('a newer Warren made it')
    // An older Warren does not throw away what a newer one has written.
    appendFileSync(file, `${newer}\nnonsense\n`)
    expect([open().summary, trouble.length]).toEqual([ledger.summary, 1])
    expect(lines()).toEqual([...texts(1, 1), ...texts(3, 3), newer, ''])
  })

  it('has no more issued than it takes, and loses nothing of the admin that was issued elsewhere meanwhile', () => {
    open().add(texts(1, 5))
    const ledger = new Ledger({ onTrouble: (message) => trouble.push(message) }, { folder, adminKey, most: 3 })
    expect(ledger.all().map(({ lamport }) => lamport)).toEqual([1, 2, 3, 4, 5])
    expect([ledger.add(texts(6, 7)).added.length, lines().length]).toEqual([2, 8])
    const issue = () => ledger.issue('ticket.revoke', { ticket: TICKET }, mesh.adminKey, NOW)
    expect(refusal('STORE_UNUSABLE', issue).message).toBe('the ledger is full: it has 7 ops')
  })
})

describe('a new op', () => {
  it('follows the last one of its author, comes after all others, and is kept before it counts', () => {
    const ledger = open()
    ledger.add(texts(7, 9))
    const op = ledger.issue('ticket.revoke', { ticket: TICKET }, mesh.adminKey, NOW)
    expect(op).toMatchObject({ seq: 10, prev: numbered(9).hash, lamport: 10, issuedAt: NOW, author: adminKey })
    expect([lines().at(-2), ledger.state.ticketRevocation(TICKET)]).toEqual([op.text, op])
    expect(ledger.issue('ticket.revoke', { ticket: TICKET }, mesh.adminKey, NOW)).toMatchObject({ seq: 11, prev: op.hash })
  })

  it('is the first of its author otherwise', () => {
    expect(open().issue('ticket.revoke', { ticket: TICKET }, mesh.adminKey, NOW)).toMatchObject({
      seq: 1,
      prev: null,
      lamport: 1,
    })
  })

  it('takes into account what another process has written meanwhile', () => {
    const [one, other] = [open(), open()]
    other.add(texts(1, 5))
    expect(one.issue('ticket.revoke', { ticket: TICKET }, mesh.adminKey, NOW)).toMatchObject({ seq: 6, lamport: 6 })
    expect(other.refresh().map(({ lamport }) => lamport)).toEqual([6])
    expect([one.refresh(), other.refresh(), one.summary]).toEqual([[], [], other.summary])
  })

  it('is none for a key that may not issue any, and nothing is written', () => {
    refusal('UNTRUSTED', () => open().issue('ticket.revoke', { ticket: TICKET }, generateKey(), NOW))
    expect(existsSync(file)).toBe(false)
  })

  it('is none when it cannot be kept', () => {
    writeFileSync(folder, 'no folder')
    const ledger = open()
    refusal('STORE_UNUSABLE', () => ledger.issue('ticket.revoke', { ticket: TICKET }, mesh.adminKey, NOW))
    expect(ledger.all()).toEqual([])
  })
})

describe('the file of a ledger', () => {
  it('may end in a line that was broken off, wherever that was: what comes next is a line of its own', () => {
    open().add(texts(1, 2))
    const [first = '', second = ''] = lines()
    for (const length of [1, 10, second.length - 1, second.length]) {
      writeFileSync(file, `${first}\n${second.slice(0, length)}`)
      const ledger = open()
      expect([ledger.all().length, trouble]).toEqual([1, []])
      ledger.add(texts(3, 3))
      expect(lines()).toEqual([first, second.slice(0, length), numbered(3).text, ''])
      const isWhole = length === second.length
      expect(open().all().length).toBe(isWhole ? 3 : 2)
      expect(trouble.splice(0).length).toBe(isWhole ? 0 : 1)
    }
  })

  it('may end in what a power cut left there, however much it is: nothing is written behind that', () => {
    open().add(texts(1, 1))
    const [first = ''] = lines()
    for (const head of [`${first}\n`, '']) {
      writeFileSync(file, head + '\u0000'.repeat(100_000))
      const ledger = open()
      ledger.issue('ticket.revoke', { ticket: TICKET }, mesh.adminKey, NOW)
      expect(open().state.ticketRevocation(TICKET)).toBeDefined()
      expect([open().summary, trouble.splice(0).length]).toEqual([ledger.summary, 1])
    }
  })

  it('loses nothing where several processes write at the same time', async () => {
    const [count, width] = [300, 8_000]
    const append = `
      const { workerData: { module, path, name } } = require('node:worker_threads')
      import(module).then(({ LedgerFile }) => {
        const file = new LedgerFile(path)
        for (let at = 0; at < ${count}; at++) file.append([name + at + 'x'.repeat(${width})])
      })`
    const module = new URL('../../../node/ledger/ledger-file.ts', import.meta.url).href
    new LedgerFile(file).append([])
    await Promise.all(
      ['a', 'b'].map((name) => once(new Worker(append, { eval: true, workerData: { module, path: file, name } }), 'exit')),
    )
    expect(new Set(lines().filter((line) => /^[ab]\d+x{8000}$/.test(line))).size).toBe(2 * count)
  })

  it('is put right when something else is wrong in it, and that is told', () => {
    open().add(texts(1, 3))
    const [first = '', second = '', third = ''] = lines()
    writeFileSync(file, `${first}\n${second.replace('A', 'B')}\n\u0000\u0000\n${third}\n`)
    const ledger = open()
    expect(ledger.all().map(({ lamport }) => lamport)).toEqual([1, 3])
    expect(trouble).toEqual([
      `${file}: 2 of its lines are no ops of this mesh and are left out; what was in them comes from other members again`,
    ])
    expect(lines()).toEqual([first, third, ''])
    // It comes again.
    ledger.add(texts(2, 2))
    expect(open().summary.count).toBe(3)
    expect(trouble.length).toBe(1)
  })

  it('that is that of another mesh is none', () => {
    open().add(texts(1, 1))
    const other = generateKey().publicKey
    const ledger = new Ledger({ onTrouble: (message) => trouble.push(message) }, { folder, adminKey: other })
    expect([ledger.all(), trouble.length]).toEqual([[], 1])
  })

  it('that is a folder is told of, and what comes from others counts all the same', () => {
    mkdirSync(file, { recursive: true })
    const ledger = open()
    expect(ledger.add(texts(1, 1)).added.length).toBe(1)
    expect([ledger.state.ticketRevocation('1'.padStart(16, '0'))?.lamport, trouble.length]).toEqual([1, 2])
    rmSync(file, { recursive: true })
    // What could not be written is written with the next one.
    ledger.add(texts(2, 2))
    expect(open().summary.count).toBe(2)
  })

  it('may be replaced by another one while it is in use', () => {
    const ledger = open()
    ledger.add(texts(1, 2))
    rmSync(file)
    appendFileSync(file, `${numbered(5).text}\n`, { mode: 0o600 })
    expect(ledger.refresh().map(({ lamport }) => lamport)).toEqual([5])
    expect(ledger.all().length).toBe(3)
  })

  it('may get lines that are no ops while it is in use: they are told of and left alone', () => {
    const ledger = open()
    ledger.add(texts(1, 1))
    appendFileSync(file, 'nonsense\n')
    expect([ledger.refresh(), trouble.length]).toEqual([[], 1])
    expect(ledger.all().length).toBe(1)
  })
})
