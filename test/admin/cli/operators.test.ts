import { join } from 'node:path'
import { expect, test } from 'vitest'
import { MAX_LAMPORT } from '../../../node/ledger/constants.ts'
import { Ledger } from '../../../node/ledger/ledger.ts'
import { signOp } from '../../../node/ledger/op.ts'
import { MeshFolder } from '../../../node/trust/mesh-folder.ts'
import { decodeOperatorKey } from '../../../node/trust/operator-key.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { MeshMachine } from './mesh-machine.ts'

const folders = useTempFolders()

const DAY = 86_400_000
const LATER = 'No node runs on the data folder: the mesh hears of it from the next «warren up» on.\n'
const day = (time: number) => new Date(time).toISOString().slice(0, 10)

/** A machine that has made a mesh. */
async function founder() {
  const machine = new MeshMachine(folders.create('home'))
  await machine.create()
  const { adminKey } = JSON.parse(machine.text('mesh/membership.json'))
  const onTrouble = (message: string) => expect.fail(message)
  const ledger = () => new Ledger({ onTrouble }, { folder: join(machine.data, 'mesh'), adminKey })
  return { machine, ledger, run: (command: string) => machine.warren(`operator ${command}`) }
}

test('operator keys are printed once, and listed without what is secret of them', async () => {
  const { machine, run } = await founder()
  expect((await run('list')).stdout).toBe('No operator key was made here; «warren operator add» makes one.\n')
  const made = await run('add ada --scope purge --scope policy --expires 7d')
  expect([made.code, made.stderr]).toEqual([0, expect.stringContaining('«ada» can change purge, policy of mesh')])
  const { key, certificate } = decodeOperatorKey(made.stdout)
  expect([certificate.name, certificate.scope]).toEqual(['ada', ['purge', 'policy']])
  const [today, week] = [0, 7].map((days) => day(Date.now() + days * DAY))
  expect((await run('list')).stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['operator', 'may change', 'made', 'until', 'state', 'key'],
    ['ada', 'purge, policy', today, week, 'good', key.publicKey],
    [''],
  ])
  expect([
    machine.mode('mesh/operators.json'),
    machine.text('mesh/operators.json').includes(key.seed.toString('base64url')),
  ]).toEqual(['600', false])
  expect(JSON.parse((await run('list --json')).stdout).operators).toMatchObject([{ name: 'ada', revoked: false }])
})

test.each([
  ['add ada', 'there is an operator «ada» already'],
  ['add a/b', '"a/b" is no name of an operator'],
  ['add bob --scope seeds', "argument 'seeds' is invalid"],
  ['add bob --expires never', '--expires: "never" must be a duration'],
  ['revoke bob', '"bob" is no operator that was made on this machine, and no public key'],
])('warren operator %s is refused with what would be right', async (command, message) => {
  const { run, ledger } = await founder()
  await run('add ada')
  const { code, stdout, stderr } = await run(command)
  expect([code, stdout, stderr]).toEqual([2, '', expect.stringContaining(message)])
  expect(ledger().all()).toEqual([])
})

test.each([
  ['', ['operator.keep', 'operator.revoke'], ['pkg:npm/a', 'pkg:npm/b'], 'its 2 ops so far still count.'],
  [' --void', ['operator.revoke'], [], 'its 2 ops count no more. What it purged stays away until it is asked for again.'],
])('an operator is revoked%s, once, and what it changed has the fate that was chosen', async (flag, types, left, text) => {
  const { run, ledger } = await founder()
  const { key, text: cert } = decodeOperatorKey((await run('add ada')).stdout)
  for (const purl of ['pkg:npm/a', 'pkg:npm/b']) ledger().issue('policy.block', { purl }, key, Date.now(), cert)
  const revoked = await run(`revoke ada${flag}`)
  expect(revoked).toMatchObject({ code: 0, stderr: '', stdout: `Operator ada is revoked; ${text}\n${LATER}` })
  const admins = () =>
    ledger()
      .all()
      .filter(({ operator }) => operator === undefined)
  expect(admins().map(({ type }) => type)).toEqual(types)
  expect(
    ledger()
      .state.inEffect('package blocked')
      .map(({ effect }) => effect.purl),
  ).toEqual(left)
  // A key may begin with a dash, which would be an option.
  const whom = key.publicKey.startsWith('-') ? 'ada' : key.publicKey
  expect((await run(`revoke ${whom}${flag}`)).stdout).toContain('was revoked before')
  expect(admins().length).toBe(types.length)
  expect((await run('list')).stdout).toContain('revoked')
  expect((await run('add ada')).code).toBe(0)
})

test('one op of an operator counts or does not, and the ledger calls its author by name', async () => {
  const { machine, run, ledger } = await founder()
  const { key, text: cert } = decodeOperatorKey((await run('add ada')).stdout)
  ledger().issue('policy.block', { purl: 'pkg:npm/a' }, key, Date.now(), cert)
  expect((await run('revoke ada')).stdout).toContain('its one op so far still counts.')
  const rows = (await machine.warren('ledger')).stdout.trimEnd().split('\n')
  expect(rows.at(-1)?.split(/ {2,}/).slice(2)).toEqual(['admin', 'operator.revoke', 'ada', 'operator revoked'])
})

test('an op from far ahead of all others is not kept when its operator is revoked: nothing could ever replace it', async () => {
  const { machine, run, ledger } = await founder()
  const { key, text: cert } = decodeOperatorKey((await run('add ada')).stdout)
  const { scope } = ledger()
  const blocked = (purl: string, lamport: number) => {
    const op = { mesh: scope.mesh, seq: lamport, prev: null, lamport, issuedAt: Date.now(), type: 'policy.block', cert }
    return signOp({ ...op, body: { purl } }, key).text
  }
  ledger().add([blocked('pkg:npm/a', 1), blocked('pkg:npm/b', MAX_LAMPORT)])
  expect((await run('revoke ada')).stdout).toContain('of its 2 ops those that came from far ahead count no more (1).')
  const purls = () =>
    ledger()
      .state.inEffect('package blocked')
      .map(({ effect }) => effect.purl)
  expect(purls()).toEqual(['pkg:npm/a'])
  const adminKey = new MeshFolder(machine.data).adminKey()
  if (!adminKey) return expect.fail('the machine has no admin key')
  ledger().issue('policy.unblock', { purl: 'pkg:npm/a' }, adminKey, Date.now())
  expect(purls()).toEqual([])
})

test('what was kept of an operator is taken back where it comes out later that it was a thief', async () => {
  const { run, ledger } = await founder()
  const { key, text: cert } = decodeOperatorKey((await run('add ada')).stdout)
  ledger().issue('policy.block', { purl: 'pkg:npm/a' }, key, Date.now(), cert)
  const count = () => ledger().state.inEffect('package blocked').length
  await run('revoke ada')
  expect(count()).toBe(1)
  expect((await run('revoke ada --void')).stdout).toContain('its one op counts no more.')
  expect(count()).toBe(0)
  for (const again of ['revoke ada', 'revoke ada --void']) expect((await run(again)).stdout).toContain('was revoked before')
  expect(count()).toBe(0)
})
