import { createHash } from 'node:crypto'
import { HttpClient } from '../../harness/http.ts'
import type { MemberProcess } from '../../harness/member-process.ts'
import { ScriptedHub } from '../../harness/scripted-hub.ts'
import { eventually } from '../../harness/wait.ts'
import type { Bench, Row } from '../bench.ts'
import { imageOf, imagePaths, MANIFEST_HEADERS, REPOSITORY } from '../images.ts'
import { quiet, startMesh } from '../many.ts'

const ROW = '6'
const READ_AT_ONCE = 1 << 20
const STORED_LIMIT_MS = 120_000

interface Sizes {
  readonly bytes: number
  readonly seeds: number
  readonly members: number
}

type Values = Record<'upstream' | 'oneCopy' | 'fromSeeds' | 'fromMembers' | 'took', number[]>

/** A crowd that wants one cold blob at once: how often upstream sends it, and how much of the work is the seeds'. */
export const crowd: Row = {
  name: ROW,
  async run(bench) {
    const sizes = bench.smoke ? { bytes: 12_000_000, seeds: 1, members: 3 } : { bytes: 200_000_000, seeds: 3, members: 20 }
    await using stack = new AsyncDisposableStack()
    const hub = stack.adopt(await new ScriptedHub().start(), (started) => started.stop())
    bench.say(`starting a mesh of ${sizes.seeds + sizes.members} nodes`)
    const mesh = await startMesh(stack, sizes, { 'docker-hub': { upstreams: [`${hub.origin}/`] } })
    const nodes = mesh.members.map((member) => member.process)
    const members = mesh.members.filter(({ role }) => role === 'member')
    const values: Values = { upstream: [], oneCopy: [], fromSeeds: [], fromMembers: [], took: [] }
    for (let round = 0; round < bench.rounds; round++) {
      await quiet(bench, nodes)
      await measure({ bench, hub, members, values, sizes }, `crowd${round}x`)
    }
    report(bench, sizes, values)
  },
}

interface Part {
  readonly bench: Bench
  readonly hub: ScriptedHub
  readonly members: readonly MemberProcess[]
  readonly values: Values
  readonly sizes: Sizes
}

async function measure({ bench, hub, members, values, sizes: { bytes } }: Part, tag: string): Promise<void> {
  const made = await imageOf(tag, { layers: 1, bytes })
  const [layer] = made.layers
  const { byTag, layers } = imagePaths(made)
  if (!layer) throw new Error('the image has no layer')
  hub.publish(REPOSITORY, tag, made.image)
  // As whoever pulls an image does: from then on the digest of its layer is known.
  for (const { url } of members) await download(url + byTag, bench.signal)

  const sent = () => hub.tally.kind('GET blob').bytes + hub.cdn.tally.kind('GET blob').bytes
  const [sentBefore, receivedBefore] = [sent(), await receivedBy(members)]
  const began = performance.now()
  const digests = await Promise.all(members.map(({ url }) => download(url + layers[0], bench.signal)))
  values.took.push(performance.now() - began)
  if (!digests.every((digest) => digest === layer.descriptor.digest)) throw new Error('a member got another blob')
  await eventually('all members have stored it', () => areStored(members), STORED_LIMIT_MS)
  const received = await receivedBy(members)
  const delivered = members.length * bytes
  values.upstream.push(sent() - sentBefore)
  values.oneCopy.push(bytes)
  values.fromSeeds.push((received.seed - receivedBefore.seed) / delivered)
  values.fromMembers.push((received.member - receivedBefore.member) / delivered)
}

/** Digest of what is answered; rejects when that is no whole 200. */
async function download(url: string, signal: AbortSignal): Promise<string> {
  const client = new HttpClient()
  try {
    const reading = await client.open(url, { headers: MANIFEST_HEADERS, signal })
    const hash = createHash('sha256')
    for (;;) {
      const part = await reading.read(READ_AT_ONCE)
      if (part.length === 0) break
      hash.update(part)
    }
    if (reading.status !== 200 || !reading.complete) throw new Error(`${url} was answered ${reading.status}`)
    return `sha256:${hash.digest('hex')}`
  } finally {
    client.close()
  }
}

async function receivedBy(members: readonly MemberProcess[]): Promise<Record<'seed' | 'member', number>> {
  const received = { seed: 0, member: 0 }
  for (const member of members) for (const { role, bytesIn } of await member.peers()) received[role] += bytesIn
  return received
}

async function areStored(members: readonly MemberProcess[]): Promise<boolean> {
  for (const member of members) if ((await member.status()).flights > 0) return false
  return true
}

function report(bench: Bench, { bytes, seeds, members }: Sizes, values: Values): void {
  const work = `${members} members ask for a cold ${bytes / 1e6} MB layer at once, ${seeds} seeds`
  bench.report({
    row: ROW,
    work: `${work}: bytes from upstream`,
    unit: 'bytes',
    warren: values.upstream,
    rival: { name: 'one copy', values: values.oneCopy },
    compared: 'ratio',
    goal: { atMost: 1 },
  })
  const share = { row: ROW, unit: 'share', compared: 'value' } as const
  bench.report({ ...share, work: `${work}: from the seeds`, warren: values.fromSeeds, goal: { atMost: 0.25 } })
  bench.report({ ...share, work: `${work}: from each other`, warren: values.fromMembers })
  bench.report({ row: ROW, work: `${work}: until the last has all`, unit: 'ms', warren: values.took, compared: 'value' })
}
