import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Ledger } from '../../../node/ledger/ledger.ts'
import { openSeedCertificate } from '../../../node/trust/certificates.ts'
import { generateKey, peerIdOf } from '../../../node/trust/keys.ts'
import { decodeTicket, ticketFacts } from '../../../node/trust/ticket.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { MeshMachine } from './mesh-machine.ts'

const folders = useTempFolders()

const DAY = 86_400_000
const LATER = 'No node runs on the data folder: the mesh hears of it from the next «warren up» on.\n'

/** A machine that has made a mesh. */
async function founder() {
  const machine = new MeshMachine(folders.create('home'))
  const created = await machine.create()
  const membership = JSON.parse(machine.text('mesh/membership.json'))
  const ledger = () =>
    new Ledger(
      { onTrouble: (message) => expect.fail(message) },
      { folder: join(machine.data, 'mesh'), adminKey: membership.adminKey },
    )
  return { machine, membership, ledger, ...created }
}

const newPeer = () => peerIdOf(generateKey().publicKey)
const day = (time: number) => new Date(time).toISOString().slice(0, 10)

test('tickets that were issued are listed by id, without what makes them tickets, and can be revoked once', async () => {
  const { machine, ledger } = await founder()
  expect((await machine.run('tickets')).stdout).toBe('No ticket was issued here; «warren mesh ticket» makes one.\n')
  const texts = [await machine.ticket('--expires 7d'), await machine.ticket('--role seed')]
  const [first, second] = texts.map((text) => ticketFacts(decodeTicket(text)).id) as [string, string]
  const [today, week, year] = [0, 7, 365].map((days) => day(Date.now() + days * DAY))
  expect((await machine.run('tickets')).stdout).toBe(
    [
      'ticket            role    issued      until       state',
      `${first}  member  ${today}  ${week}  good`,
      `${second}  seed    ${today}  ${year}  good\n`,
    ].join('\n'),
  )
  expect(await machine.run(`revoke ${first}`)).toMatchObject({
    code: 0,
    stderr: '',
    stdout: `Ticket ${first} is revoked: whoever joined by it is cut off.\n${LATER}`,
  })
  expect(await machine.run(`revoke ${first}`)).toMatchObject({
    code: 0,
    stdout: `Ticket ${first} was revoked before.\n${LATER}`,
  })
  expect(
    ledger()
      .all()
      .map(({ type, body }) => [type, body]),
  ).toEqual([['ticket.revoke', { ticket: first }]])
  const { tickets } = JSON.parse((await machine.run('tickets --json')).stdout)
  expect(tickets).toEqual([
    { id: first, role: 'member', issuedAt: expect.any(Number), notAfter: expect.any(Number), revoked: true },
    { id: second, role: 'seed', issuedAt: expect.any(Number), notAfter: expect.any(Number), revoked: false },
  ])
  const kept = machine.text('mesh/tickets.json')
  expect([machine.mode('mesh/tickets.json'), machine.mode('mesh/ledger')]).toEqual(['600', '600'])
  for (const text of texts) expect(kept).not.toContain(decodeTicket(text).key)
})

test('a list of tickets that is broken is not replaced', async () => {
  const { machine } = await founder()
  writeFileSync(join(machine.data, 'mesh/tickets.json'), '{', { mode: 0o600 })
  for (const command of ['tickets', 'ticket']) {
    const { code, stdout, stderr } = await machine.run(command)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('tickets.json cannot be used: it is not JSON. Put the right file back, or remove it')
  }
})

test('a seed is added, renewed, revoked and added again, each once, and the ledger tells of it', async () => {
  const { machine, ledger, membership } = await founder()
  const peer = newPeer()
  const year = day(Date.now() + 365 * DAY)
  const added = await machine.warren(`seed add ${peer}`)
  expect([added.code, added.stderr]).toEqual([0, ''])
  expect(added.stdout).toBe(`${peer} is a seed until ${year}; it takes its certificate from the ledger.\n${LATER}`)
  expect((await machine.warren(`seed add ${peer}`)).stdout).toContain(`${peer} is a seed until ${year} already;`)
  expect((await machine.warren(`seed renew ${peer}`)).stdout).toBe(`${peer} is a seed until ${year}.\n${LATER}`)
  const revoked = await machine.warren(`seed revoke ${peer}`)
  expect(revoked.stdout).toMatch(/ is no seed any more and is cut off\. If it joined by a ticket, revoke that as well/)
  expect((await machine.warren(`seed revoke ${peer} --json`)).stdout).toContain('"isNew": false')
  expect(await machine.warren(`seed renew ${peer}`)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `warren: ${peer} was revoked as a seed; «warren seed add ${peer}» makes it one again\n`,
  })
  expect(JSON.parse((await machine.warren(`seed add ${peer} --expires 30d --json`)).stdout)).toEqual({
    peer,
    notAfter: expect.any(Number),
    isNew: true,
  })
  expect(
    ledger()
      .all()
      .map(({ type }) => type),
  ).toEqual(['seed.certify', 'seed.renew', 'seed.revoke', 'seed.certify'])
  const { text = '', certificate } = ledger().state.certificateOf(peer) ?? {}
  expect(openSeedCertificate(text, membership.adminKey)).toEqual(certificate)
  expect(day(certificate?.notAfter ?? 0)).toBe(day(Date.now() + 30 * DAY))

  const { stdout } = await machine.warren('ledger')
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/))
  expect(rows[0]).toEqual(['op', 'issued', 'author', 'type', 'subject', 'effect'])
  expect(rows.slice(1).map(([, , author, type, subject, effect]) => [author, type, subject, effect])).toEqual([
    ['admin', 'seed.certify', peer, 'replaced by a later op'],
    ['admin', 'seed.renew', peer, `seed renewed until ${year}`],
    ['admin', 'seed.revoke', peer, 'replaced by a later op'],
    ['admin', 'seed.certify', peer, `seed certified until ${day(Date.now() + 30 * DAY)}`],
  ])
  const facts = JSON.parse((await machine.warren('ledger --json')).stdout)
  expect(facts).toMatchObject({ count: 2, digest: ledger().summary.digest })
  expect(facts.ops[2]).toMatchObject({
    hash: ledger().all()[2]?.hash,
    seq: 3,
    subject: peer,
    effect: 'seed revoked',
    inEffect: false,
  })
})

test('renewing without a name renews what has a third of its life left, and with --all everything', async () => {
  const { machine, peer: own, ledger } = await founder()
  const peer = newPeer()
  await machine.warren(`seed add ${peer}`)
  expect((await machine.warren('seed renew')).stdout).toBe('No certificate has to be renewed yet; --all renews every one.\n')
  const { renewed } = JSON.parse((await machine.warren('seed renew --all --json')).stdout)
  expect(renewed.map((seed: { peer: string }) => seed.peer).sort()).toEqual([own, peer].sort())
  expect(
    ledger()
      .all()
      .filter(({ type }) => type === 'seed.renew').length,
  ).toBe(2)
})

test('all of that works on any member that the admin key is brought to, and nowhere without it', async () => {
  const { machine, adminKey, mesh } = await founder()
  const other = new MeshMachine(folders.create('home'))
  await other.run('join', { input: await machine.ticket() })
  const peer = newPeer()
  const commands = [`seed add ${peer}`, `seed renew ${peer}`, `seed revoke ${peer}`, 'mesh revoke 0123456789abcdef']
  for (const command of commands) {
    const { code, stdout, stderr } = await other.warren(command)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`there is no admin key at ${other.data}/mesh/admin.key: `)
    expect(stderr).toContain(`on the node that created mesh ${mesh}, or name the key with --admin-key`)
  }
  expect(existsSync(join(other.data, 'mesh/ledger'))).toBe(false)
  renameSync(adminKey, join(machine.home, 'stick.key'))
  for (const command of commands)
    expect(await other.warren(`${command} --admin-key ${machine.home}/stick.key`)).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(join(other.data, 'mesh/ledger'), 'latin1').trim().split('\n').length).toBe(4)
  const strange = await founder()
  expect((await other.warren(`seed add ${peer} --admin-key ${strange.adminKey}`)).stderr).toBe(
    `warren: ${strange.adminKey} is the admin key of another mesh than ${mesh}, in which this node is\n`,
  )
})

test.for([
  ['seed add me', '"me" is no peer id: it begins with 12D3KooW and has 52 characters;'],
  ['seed renew me', '"me" is no peer id'],
  ['seed revoke me', '"me" is no peer id'],
  [`seed add ${newPeer()} --expires never`, '--expires: "never" must be a duration'],
  ['mesh revoke me', '"me" is no id of a ticket: it has 16 digits from 0 to f;'],
  ['mesh revoke', "missing required argument 'ticket'"],
] as const)('«warren %s» is refused in one line, with exit code 2', async ([command, message]) => {
  const machine = new MeshMachine(folders.create('home'))
  const { code, stdout, stderr } = await machine.warren(command)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
})

test('a node in no mesh has no ledger, and one in a mesh an empty one at first', async () => {
  const alone = new MeshMachine(folders.create('home'))
  for (const command of ['ledger', 'mesh tickets', `seed revoke ${newPeer()}`])
    expect(await alone.warren(command)).toMatchObject({
      code: 1,
      stderr: `warren: the node of ${alone.data} is in no mesh; «warren mesh create» or «warren mesh join» comes first, or --data names the folder of another\n`,
    })
  const { machine } = await founder()
  expect((await machine.warren('ledger')).stdout).toBe(
    [
      'The ledger of this node is empty: nothing was changed in the mesh that it knows of.',
      'A node hears what the admin and operators changed once it is connected.\n',
    ].join('\n'),
  )
})

test('a damaged ledger is told of, and what is right in it counts', async () => {
  const { machine } = await founder()
  await machine.run('revoke 0123456789abcdef')
  const file = join(machine.data, 'mesh/ledger')
  writeFileSync(file, `nonsense\n${readFileSync(file, 'latin1')}`)
  const { code, stdout, stderr } = await machine.warren('ledger --json')
  expect([code, JSON.parse(stdout).count]).toEqual([0, 1])
  expect(stderr).toContain(`warren: warning: ${file}: 1 of its lines`)
  rmSync(file)
  expect(JSON.parse((await machine.warren('ledger --json')).stdout).count).toBe(0)
})
