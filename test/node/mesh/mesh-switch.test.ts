import { pino } from 'pino'
import { expect, test } from 'vitest'
import { type ErrorCode, WarrenError } from '../../../node/errors.ts'
import { type MemoryMesh, MemoryNetwork } from '../../../node/mesh/memory-mesh.ts'
import { MeshSwitch, type OpenMesh } from '../../../node/mesh/mesh-switch.ts'
import type { Membership } from '../../../node/trust/membership.ts'
import { digestOf } from '../../conformance/mesh.ts'
import { TrialMesh } from '../trust/fixture.ts'

const NEVER = new AbortController().signal
const BYTES = Buffer.from('a blob of a neighbour')
const mesh = new TrialMesh()
const other = new TrialMesh()

/** A node whose membership and meshes a test makes up. */
function node(first?: Membership) {
  const network = new MemoryNetwork()
  const neighbour = network.join({ id: 'neighbour' })
  neighbour.hold(digestOf(BYTES), BYTES)
  const told: string[] = []
  const log: string[] = []
  const state = {
    membership: first as Membership | undefined | Error,
    failure: undefined as Error | undefined,
    failsToClose: false,
    /** What the mesh has made of the membership by itself. */
    certified: undefined as Membership | undefined,
    /** Opening waits for it. */
    opening: Promise.resolve(),
  }
  const switched = new MeshSwitch(
    {
      membership: () => {
        if (state.membership instanceof Error) throw state.membership
        return state.membership && structuredClone(state.membership)
      },
      open: async (membership) => {
        told.push(`open ${nameOf(membership)}`)
        await state.opening
        if (state.failure) throw state.failure
        return open(membership)
      },
      forget: () => void told.push('forget'),
      log: pino({}, { write: (line: string) => void log.push(JSON.parse(line).msg) }),
    },
    { self: mesh.peer },
  )
  const alone = switched.status()
  const open = (membership: Membership): OpenMesh => {
    const joined = network.join({ id: 'self' })
    const current = { get: () => state.certified ?? membership }
    return Object.assign(Object.defineProperty(joined, 'membership', current) as MemoryMesh & Pick<OpenMesh, 'membership'>, {
      refresh: () => void told.push('refresh'),
      ledger: LEDGER,
      fetches: false,
      status: () => ({ ...alone, state: 'member' as const, id: membership.mesh, role: 'member' as const, trouble: null }),
      peers: () => [],
      whereabouts: async () => ({ members: [], coversAll: true, headStart: 7 }),
      close: async () => {
        told.push(`close ${nameOf(membership)}`)
        network.members.delete(joined)
        if (state.failsToClose) throw new Error('it does not close')
      },
    })
  }
  const found = async () => (await Array.fromAsync(switched.find(digestOf(BYTES), NEVER))).map(({ id }) => id)
  return { switched, state, told, log, found }
}

/** Nobody looks into it here. */
const LEDGER = { isConfirmed: false } as OpenMesh['ledger']

function nameOf({ mesh: id, joinedAt }: Membership): string {
  return `${id === mesh.joined.mesh ? 'mesh' : 'other'} ${joinedAt - mesh.joined.joinedAt}`
}

const failing = (code: ErrorCode) => new WarrenError(code, 'what is wrong')
const renewed: Membership = { ...mesh.joined, joinedAt: mesh.joined.joinedAt + 1 }

test('a node that is in no mesh runs alone, and says so', async () => {
  const { switched, told, found } = node()
  await switched.start()
  expect([
    switched.populated,
    switched.headStart([digestOf(BYTES)], { metered: false }),
    await found(),
    switched.peers(),
    told,
  ]).toEqual([false, 0, [], [], []])
  expect(switched.status()).toMatchObject({ state: 'lone', id: null, peer: mesh.peer, trouble: null, readerOnly: false })
})

test('a node that is in a mesh passes everything on to it', async () => {
  const { switched, told, found, log } = node(mesh.joined)
  await switched.start()
  expect([switched.populated, switched.headStart([digestOf(BYTES)], { metered: false }), await found(), told]).toEqual([
    true,
    20,
    ['neighbour'],
    ['open mesh 0'],
  ])
  expect(switched.status()).toMatchObject({ state: 'member', id: mesh.joined.mesh })
  expect(await switched.whereabouts([digestOf(BYTES)], { metered: false }, NEVER)).toMatchObject({ headStart: 7 })
  expect(log).toEqual(['in a mesh'])
})

test('a node whose certificate has ended starts alone, and says why', async () => {
  const { switched, state, log } = node(mesh.joined)
  state.failure = failing('UNTRUSTED')
  await switched.start()
  expect(switched.status()).toMatchObject({ state: 'lone', trouble: expect.stringContaining('what is wrong') })
  expect(log).toEqual([expect.stringContaining('what is wrong')])
})

test.each<ErrorCode>(['ADDRESS_IN_USE', 'INTERNAL'])('a node that meets %s while it starts does not start', async (code) => {
  const { switched, state } = node(mesh.joined)
  state.failure = failing(code)
  await expect(switched.start()).rejects.toMatchObject({ code })
  await switched.close()
})

test.each<ErrorCode>(['SECRET_EXPOSED', 'MESH_UNREADABLE'])('a node whose membership meets %s does not start', async (code) => {
  const { switched, state } = node()
  state.membership = failing(code)
  await expect(switched.start()).rejects.toMatchObject({ code })
})

test('a node joins, renews, changes its mesh and leaves while it runs, one mesh at a time', async () => {
  const { switched, state, told, found } = node()
  await switched.start()
  for (const membership of [mesh.joined, mesh.joined, renewed, other.joined, undefined, undefined]) {
    state.membership = membership
    await switched.reload()
    expect([switched.populated, (await found()).length]).toEqual(membership ? [true, 1] : [false, 0])
  }
  expect(told).toEqual([
    'open mesh 0',
    'refresh',
    'close mesh 0',
    'open mesh 1',
    'close mesh 1',
    'open other 0',
    'close other 0',
    'forget',
  ])
  expect(switched.status()).toMatchObject({ state: 'lone', id: null, trouble: null })
})

test('what a mesh writes down while it is being left is removed after it is closed, also when it does not close well', async () => {
  for (const failsToClose of [false, true]) {
    const { switched, state, told } = node(mesh.joined)
    await switched.start()
    Object.assign(state, { membership: undefined, failsToClose })
    await switched.reload()
    expect(told.slice(-2)).toEqual(['close mesh 0', 'forget'])
    expect(switched.populated).toBe(false)
  }
})

test('a new membership counts also when the former mesh does not close well', async () => {
  const { switched, state, told } = node(mesh.joined)
  await switched.start()
  Object.assign(state, { membership: other.joined, failsToClose: true })
  await switched.reload()
  expect(told.at(-1)).toBe('open other 0')
  expect(switched.status()).toMatchObject({ state: 'member', id: other.joined.mesh })
  state.failsToClose = false
  await switched.close()
})

test('a reload never rejects; what is wrong stands in the status until it is right', async () => {
  const { switched, state, log } = node()
  await switched.start()
  Object.assign(state, { membership: mesh.joined, failure: failing('ADDRESS_IN_USE') })
  await switched.reload()
  expect([switched.populated, switched.status()]).toMatchObject([
    false,
    { state: 'lone', trouble: expect.stringContaining('what is wrong') },
  ])
  expect(log.at(-1)).toContain('runs alone')
  Object.assign(state, { failure: undefined, membership: renewed })
  await switched.reload()
  expect(switched.status()).toMatchObject({ state: 'member', trouble: null })
})

test('a mesh that could not be opened is tried again by the next reload, although nothing else has changed', async () => {
  const { switched, state, told } = node()
  await switched.start()
  Object.assign(state, { membership: mesh.joined, failure: failing('ADDRESS_IN_USE') })
  await switched.reload()
  state.failure = undefined
  await switched.reload()
  expect([told, switched.populated]).toEqual([['open mesh 0', 'open mesh 0'], true])
})

test('a node whose membership cannot be read any more stays in its mesh, and does not say that it runs alone', async () => {
  const { switched, state, told, log } = node(mesh.joined)
  await switched.start()
  state.membership = failing('MESH_UNREADABLE')
  await switched.reload()
  expect([switched.populated, switched.status().state, told]).toEqual([true, 'member', ['open mesh 0']])
  expect(log.at(-1)).toContain('what is wrong')
  expect(log.at(-1)).not.toContain('alone')
  // That is over, and forgotten.
  state.membership = mesh.joined
  await switched.reload()
  expect(told).toEqual(['open mesh 0', 'refresh'])
})

test('a node whose mesh gave it another certificate goes on as it is', async () => {
  const { switched, state, told } = node(mesh.joined)
  await switched.start()
  state.certified = { ...mesh.joined, chain: ['a certificate'] }
  state.membership = state.certified
  await switched.reload()
  expect(told).toEqual(['open mesh 0', 'refresh'])
})

test('a node that leaves a mesh in which it was not runs alone without trouble', async () => {
  const { switched, state } = node(mesh.joined)
  state.failure = failing('UNTRUSTED')
  await switched.start()
  state.membership = undefined
  await switched.reload()
  expect(switched.status()).toMatchObject({ state: 'lone', trouble: null })
})

test('closing closes the mesh once, and whatever comes after opens none', async () => {
  const { switched, state, told, found } = node(mesh.joined)
  await switched.start()
  await Promise.all([switched.close(), switched.close()])
  await switched.close()
  state.membership = other.joined
  await switched.reload()
  await switched.start()
  expect([told, switched.populated, await found()]).toEqual([['open mesh 0', 'close mesh 0'], false, []])
})

test('a mesh that is closed while it opens is closed as soon as it is open', async () => {
  const { switched, state, told } = node(mesh.joined)
  const open = Promise.withResolvers<void>()
  state.opening = open.promise
  const starting = switched.start()
  await new Promise((resolve) => setImmediate(resolve))
  const closing = switched.close()
  open.resolve()
  await Promise.all([starting, closing])
  expect([told, switched.populated]).toEqual([['open mesh 0', 'close mesh 0'], false])
})

test('changes happen one after the other, however fast they come, and each reads what is true at its turn', async () => {
  const { switched, state, told } = node(mesh.joined)
  const open = Promise.withResolvers<void>()
  state.opening = open.promise
  const changes = [switched.start()]
  await new Promise((resolve) => setImmediate(resolve))
  for (const membership of [other.joined, undefined, renewed]) {
    state.membership = membership
    changes.push(switched.reload())
  }
  open.resolve()
  await Promise.all(changes)
  expect(told).toEqual(['open mesh 0', 'close mesh 0', 'open mesh 1', 'refresh', 'refresh'])
})
