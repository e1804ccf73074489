import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { decodeTicket, ticketFacts } from '../../../node/trust/ticket.ts'
import { cleanEnv, run } from '../../harness/child-process.ts'
import { startNodeProcess } from '../../harness/node.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { requireTool } from '../../harness/tools.ts'
import { LONE, startFakeNode } from '../fake-node.ts'
import { MeshMachine } from './mesh-machine.ts'
import { ENTRY, runWarren } from './run-warren.ts'

const folders = useTempFolders()

/** A machine with a home of its own. */
class Machine extends MeshMachine {
  constructor() {
    super(folders.create('home'))
  }
}

test('a mesh is created, a ticket made, and another machine joins; nothing secret is shown but the ticket', async () => {
  const [first, second] = [new Machine(), new Machine()]
  const created = await first.run('create --address build1.example.test:7471')
  expect([created.code, created.stderr]).toEqual([0, ''])
  const [, id = ''] = /^mesh +([0-9a-f]{16})\n/.exec(created.stdout) ?? []
  const [, peer = ''] = /^peer +(12D3KooW\w{44})$/m.exec(created.stdout) ?? []
  const address = `/dns/build1.example.test/tcp/7471/p2p/${peer}`
  expect(created.stdout).toContain(`\naddress    ${address}\nadmin key  ${first.data}/mesh/admin.key\n`)
  expect(created.stdout).toContain('\nKeep a copy of the admin key')

  const ticket = await first.run('ticket')
  // Alone on its line: that is what a pipe to another machine needs.
  expect(ticket).toMatchObject({ code: 0, stdout: expect.stringMatching(/^warren-ticket-1\.[\w-]+\n$/) })
  const { id: ticketId } = ticketFacts(decodeTicket(ticket.stdout))
  const end = new Date(Date.now() + 365 * 86_400_000).toISOString().slice(0, 10)
  expect(ticket.stderr).toBe(
    `warren: this is ticket ${ticketId}: whoever has it can join mesh ${id} as a member until ${end}; «warren mesh revoke ${ticketId}» takes it back\n`,
  )
  expect(decodeTicket(ticket.stdout).addresses).toEqual([address])

  const joined = await second.run('join', { input: ticket.stdout })
  const day = new Date(Date.now() + 365 * 86_400_000).toISOString().slice(0, 10)
  expect([joined.code, joined.stderr]).toEqual([0, ''])
  expect(joined.stdout).toBe(
    `This node has joined mesh ${id}; it is a member until ${day}\nNo node runs on the data folder; the next «warren up» connects.\n`,
  )
  const left = await second.run('leave')
  expect(left).toMatchObject({
    code: 0,
    stderr: '',
    stdout: `This node has left mesh ${id}. A running node notices by itself.\n`,
  })
  expect(existsSync(join(second.data, 'mesh/membership.json'))).toBe(false)
  const again = await second.run('join --json', { input: ticket.stdout })
  expect(JSON.parse(again.stdout)).toMatchObject({ outcome: 'joined', mesh: id, role: 'member', connected: null })

  const { key, secret } = decodeTicket(ticket.stdout)
  for (const hidden of [...first.secrets, ...second.secrets, key, secret, ticket.stdout.trim()]) {
    expect(hidden.length).toBeGreaterThan(40)
    expect(first.said + second.said).not.toContain(hidden)
  }
})

test('keys and secrets are for this user alone', async () => {
  const [first, second] = [new Machine(), new Machine()]
  await first.create()
  await second.run('join', { input: await first.ticket() })
  for (const file of ['node.key', 'mesh/admin.key', 'mesh/membership.json'])
    expect([file, first.mode(file)]).toEqual([file, '600'])
  for (const file of ['node.key', 'mesh/membership.json']) expect([file, second.mode(file)]).toEqual([file, '600'])
  for (const machine of [first, second]) for (const folder of ['.', 'mesh']) expect(machine.mode(folder)).toBe('700')
  chmodSync(join(first.data, 'mesh/admin.key'), 0o640)
  const { code, stdout, stderr } = await first.run('ticket')
  expect([code, stdout]).toEqual([1, ''])
  expect(stderr).toContain(`chmod 600 ${first.data}/mesh/admin.key`)
})

test('the admin key may be kept elsewhere', async () => {
  const [first, second] = [new Machine(), new Machine()]
  const { adminKey, mesh } = await first.create('--address 127.0.0.1:7471 --admin-key stick.key')
  expect(adminKey).toBe(join(first.home, 'stick.key'))
  expect(existsSync(join(first.data, 'mesh/admin.key'))).toBe(false)
  expect((statSync(adminKey).mode & 0o777).toString(8)).toBe('600')
  expect(await first.run('ticket')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `warren: there is no admin key at ${first.data}/mesh/admin.key: make tickets on the node that created mesh ${mesh}, or name the key with --admin-key\n`,
  })
  await second.run('join', { input: await first.ticket('--admin-key stick.key') })
  // Whoever has the key can make tickets on any member.
  expect(await second.ticket(`--admin-key ${adminKey}`)).toMatch(/^warren-ticket-1\./)
  expect(await first.run('leave')).toMatchObject({ code: 0 })
  expect(existsSync(adminKey)).toBe(true)
})

test('a mesh is not replaced by another one', async () => {
  const first = new Machine()
  const { mesh } = await first.create()
  const before = first.text('mesh/membership.json')
  expect(await first.run('create')).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `warren: this node is in mesh ${mesh} already; «warren mesh leave» takes it out, or choose another data folder with --data\n`,
  })
  expect(first.text('mesh/membership.json')).toBe(before)
})

test('an admin key is only removed by who says so', async () => {
  const first = new Machine()
  const { mesh, adminKey } = await first.create()
  const refused = await first.run('leave')
  expect([refused.code, refused.stdout]).toEqual([1, ''])
  expect(refused.stderr).toContain(`warren: the admin key is in ${adminKey}, and without it no further machine can be let in: `)
  expect(existsSync(join(first.data, 'mesh/membership.json'))).toBe(true)
  const left = await first.run('leave --yes-lose-admin-key --json')
  expect(JSON.parse(left.stdout)).toEqual({ mesh, adminKeyRemoved: true })
  expect(existsSync(adminKey)).toBe(false)
  expect(await first.run('leave')).toMatchObject({ code: 1, stderr: 'warren: this node is in no mesh\n' })
  expect(await first.run('ticket')).toMatchObject({
    code: 1,
    stderr: `warren: the node of ${first.data} is in no mesh; «warren mesh create» or «warren mesh join» comes first, or --data names the folder of another\n`,
  })
})

test('a mesh is not created when the stick for its admin key is not mounted', async () => {
  const machine = new Machine()
  const away = join(machine.home, 'not-mounted')
  expect(await machine.run(`create --admin-key ${away}/admin.key`)).toMatchObject({
    code: 2,
    stdout: '',
    stderr: `warren: --admin-key: there is no folder ${away}: make it, or mount what it is on\n`,
  })
  expect([existsSync(away), existsSync(join(machine.data, 'mesh'))]).toEqual([false, false])
})

test('a broken membership can be left', async () => {
  const machine = new Machine()
  await machine.create('--address 127.0.0.1:7471 --admin-key stick.key')
  writeFileSync(join(machine.data, 'mesh/membership.json'), '{')
  const { code, stdout } = await machine.run('leave')
  expect([code, stdout]).toEqual([0, 'This node has left its mesh. A running node notices by itself.\n'])
})

test('a ticket has the role, the end and the addresses that were asked for', async () => {
  const first = new Machine()
  const { mesh, peer, addresses } = await first.create()
  expect(addresses).toEqual([`/ip4/127.0.0.1/tcp/7471/p2p/${peer}`])
  const { stdout } = await first.run(
    'ticket --json --role seed --expires 12h --address 10.0.0.1:1 --address /dns4/a.test/tcp/2',
  )
  const { ticket, notAfter, ...facts } = JSON.parse(stdout)
  expect(facts).toEqual({ id: expect.stringMatching(/^[0-9a-f]{16}$/), role: 'seed', mesh })
  expect(notAfter - Date.now()).toBeGreaterThan(11 * 3_600_000)
  expect(notAfter - Date.now()).toBeLessThanOrEqual(12 * 3_600_000)
  expect(decodeTicket(ticket).addresses).toEqual(['/ip4/10.0.0.1/tcp/1', '/dns4/a.test/tcp/2'])
})

test('whoever gives no address gets those of the node, each with the peer that answers there', async () => {
  const machine = new Machine()
  const { stdout } = await machine.run('create --json', { env: { WARREN_MESH_LISTEN: '10.0.0.5:4001' } })
  const { addresses, peer } = JSON.parse(stdout)
  expect(addresses).toEqual([`/ip4/10.0.0.5/tcp/4001/p2p/${peer}`])
})

test.for([
  ['create --address nowhere', '--address: "nowhere" must be host:port, such as seed.example.test:7471, or'],
  ['create', 'mesh.listen has port 0, which is another one each time: set a port, or give --address'],
  ['ticket --expires 400d', '--expires: "400d" must be a duration such as 12h or 7d, or a day'],
  ['ticket --role admin', "option '--role <role>' argument 'admin' is invalid. Allowed choices are member, seed; see"],
  ['ticket --address 0.0.0.0:1', '--address: "0.0.0.0:1" must be host:port'],
  ['join', 'there is no ticket, and nothing on stdin: pipe it in'],
  ['join --ticket-file nowhere', 'nowhere: cannot be read: ENOENT'],
  [
    'join warren-ticket-1.SECRET',
    'a ticket is not taken as an argument, since every user of this machine can see those: pipe it in',
  ],
  ['join /dev/null', '/dev/null is a file: a ticket in one is taken with --ticket-file /dev/null'],
  ['join --ticket warren-ticket-1.SECRET', 'a ticket is not taken as an argument'],
  ['join --ticket=warren-ticket-1.SECRET', 'a ticket is not taken as an argument'],
] as const)('«warren mesh %s» is refused in one line, with exit code 2', async ([command, message]) => {
  const machine = new Machine()
  const { code, stdout, stderr } = await machine.run(command, { env: { WARREN_MESH_LISTEN: '127.0.0.1:0' } })
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(message)
  expect(stderr).not.toContain('SECRET')
  expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  expect(existsSync(join(machine.data, 'mesh'))).toBe(false)
})

test('a ticket comes by file, by the environment or on stdin, in this order', async () => {
  const first = new Machine()
  await first.create()
  const ticket = await first.ticket()
  const file = join(first.home, 'ticket')
  writeFileSync(file, `${ticket}\n`, { mode: 0o600 })
  for (const [args, init] of [
    [`--ticket-file ${file}`, { env: { WARREN_TICKET: 'wrong' }, input: 'wrong' }],
    ['', { env: { WARREN_TICKET: ticket }, input: 'wrong' }],
    ['', { env: { WARREN_TICKET_FILE: file }, input: 'wrong' }],
    ['', { input: ticket }],
  ] as const) {
    expect(await new Machine().run(`join ${args}`.trim(), init)).toMatchObject({ code: 0, stderr: '' })
  }
  chmodSync(file, 0o644)
  expect(await new Machine().run(`join --ticket-file ${file}`)).toMatchObject({
    code: 0,
    stderr: `warren: warning: other users can read the ticket in ${file}: chmod 600 ${file}\n`,
  })
})

test.for([
  [{ input: 'hunter2' }, 'stdin: this is no ticket: one begins with warren-ticket-1.'],
  [{ env: { WARREN_TICKET: 'warren-ticket-1.e30' } }, 'WARREN_TICKET: the ticket is damaged'],
  [{ input: 'x'.repeat(100_000) }, 'stdin: this is no ticket: it is far too long'],
] as const)('what is no ticket is told in one line, without the text', async ([init, message]) => {
  const { code, stdout, stderr } = await new Machine().run('join', init)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(`warren: ${message}`)
  expect(stderr).not.toMatch(/hunter2|e30|xxx/)
})

test('on a terminal joining says how to give the ticket, and a ticket comes with a word of warning', async (context) => {
  const script = requireTool(context, 'script')
  const machine = new Machine()
  await machine.create()
  const onTerminal = (command: string) =>
    run([script, '-qec', `${process.execPath} ${ENTRY} mesh ${command} --data ${machine.data}`, '/dev/null'], {
      cwd: machine.home,
      env: { PATH: process.env.PATH, HOME: machine.home },
      timeoutMs: 30_000,
    })
  expect(await onTerminal('join')).toMatchObject({
    code: 2,
    stdout: expect.stringContaining(
      'warren: there is no ticket: pipe it in («warren mesh ticket | ssh host warren mesh join»), or',
    ),
  })
  const { stdout } = await onTerminal('ticket')
  expect(stdout).toMatch(/^warren-ticket-1\.[\w-]+\r\nwarren: this is ticket [0-9a-f]{16}: whoever has it can join mesh /)
})

test('joining waits until the running node is connected', async () => {
  const [first, second] = [new Machine(), new Machine()]
  const { mesh } = await first.create()
  const node = await startFakeNode(second.data)
  let looks = 0
  // As a node does that is still busy connecting when it is looked at for the first time.
  Object.defineProperty(node, 'mesh', {
    get: () => ({ ...LONE, id: mesh, ...(++looks > 2 ? { state: 'member', peers: 3 } : { state: 'joining' }) }),
  })
  const { code, stdout } = await second.run('join', { input: await first.ticket() })
  expect(code).toBe(0)
  expect(stdout).toContain('\nThe running node is connected with 3 members.\n')
  expect(looks).toBe(3)
})

test('it is told that a node has joined before it is connected', async () => {
  const [first, second] = [new Machine(), new Machine()]
  const { mesh } = await first.create()
  const node = await startFakeNode(second.data)
  node.mesh = { ...LONE, id: mesh, state: 'joining' }
  const joining = spawn(process.execPath, [ENTRY, 'mesh', 'join', '--data', second.data], {
    cwd: second.home,
    env: cleanEnv({ HOME: second.home }),
  })
  joining.stdin.end(await first.ticket())
  let stdout = ''
  joining.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    // Nothing else lets it end before its patience does.
    if (text.startsWith('This node has joined')) node.mesh = { ...node.mesh, state: 'member', peers: 3 }
  })
  await once(joining, 'close')
  expect(stdout).toMatch(/^This node has joined .*\nThe running node is connected with 3 members\.\n$/)
})

test('a node starts as a member with a ticket in its environment, and again with the same', async () => {
  const first = new Machine()
  const { mesh } = await first.create()
  const ticket = await first.ticket()
  const data = folders.create('data')
  const config = { mesh: { listen: '127.0.0.1:0', blobs: '127.0.0.1:0', mdns: false } }
  for (const said of [`warren: this node has joined mesh ${mesh}; it is a member until `, undefined]) {
    const node = await startNodeProcess({ data, config, env: { WARREN_TICKET: ticket } })
    await node.stop()
    if (said) expect(node.output).toContain(said)
    else expect(node.output).not.toContain('warren: this node')
    expect(node.output).not.toContain(ticket)
  }
  expect(JSON.parse(readFileSync(join(data, 'mesh/membership.json'), 'utf8')).mesh).toBe(mesh)
})

test('a node does not start with a wrong ticket', async () => {
  const home = folders.create()
  const args = ['up', '--data', join(home, 'data'), '--listen', '127.0.0.1:0']
  const { code, stdout, stderr } = await runWarren(args, { home, env: { WARREN_TICKET: 'hunter2' } })
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toBe('warren: WARREN_TICKET: this is no ticket: one begins with warren-ticket-1.\n')
})
