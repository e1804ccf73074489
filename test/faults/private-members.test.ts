import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { Secret } from '../../node/secret.ts'
import { type Answer, answer, json, serve } from '../harness/answer.ts'
import { delay, spoil } from '../harness/fault.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Random } from '../harness/random.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { storeAtRest } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { TestMesh } from '../harness/test-mesh.ts'

useLeakCheck()
const temp = useTempFolders()

const BYTES = new Random(21).bytes(60_000)
const SHA256 = { algorithm: 'sha256', hex: createHash('sha256').update(BYTES).digest('hex') } as const
const LOGIN = `Basic ${Buffer.from('ann:hunter2').toString('base64')}`
const LINE = { name: 'secret', vers: '1.0.0', deps: [], cksum: SHA256.hex, features: {}, yanked: false }

interface Case {
  answers(origin: string): Readonly<Record<string, Answer>>
  /** Below a mirror. */
  readonly paths: readonly string[]
  /** Where the file is at upstream. */
  readonly file: string
}

/** By protocol: what an upstream has, and how its file is asked for once the documents before it were. */
const CASES: Readonly<Record<string, Case>> = {
  npm: {
    answers: (origin) => {
      const integrity = `sha512-${createHash('sha512').update(BYTES).digest('base64')}`
      const dist = { integrity, tarball: `${origin}/secret/-/secret-1.0.0.tgz` }
      const versions = { '1.0.0': { name: 'secret', version: '1.0.0', dist } }
      return {
        '/secret': json({ name: 'secret', 'dist-tags': { latest: '1.0.0' }, versions }),
        '/secret/-/secret-1.0.0.tgz': serve(BYTES),
      }
    },
    paths: ['secret', 'secret/-/secret-1.0.0.tgz'],
    file: '/secret/-/secret-1.0.0.tgz',
  },
  raw: { answers: () => ({ '/secret.bin': serve(BYTES) }), paths: ['secret.bin'], file: '/secret.bin' },
  maven: {
    answers: () => ({
      '/com/corp/x/1.0/x-1.0.jar': serve(BYTES),
      '/com/corp/x/1.0/x-1.0.jar.sha256': serve(SHA256.hex),
    }),
    paths: ['com/corp/x/1.0/x-1.0.jar', 'com/corp/x/1.0/x-1.0.jar.sha256'],
    file: '/com/corp/x/1.0/x-1.0.jar',
  },
  cargo: {
    answers: (origin) => ({
      '/config.json': json({ dl: `${origin}/dl/{crate}-{version}.crate` }),
      '/se/cr/secret': serve(`${JSON.stringify(LINE)}\n`),
      '/dl/secret-1.0.0.crate': serve(BYTES),
    }),
    paths: ['config.json', 'se/cr/secret', `crates/secret/1.0.0/${SHA256.hex}.crate`],
    file: '/dl/secret-1.0.0.crate',
  },
}

/** Has nothing for whoever does not show the login, where one is wanted. */
async function upstreamOf(protocol: string, login: boolean): Promise<ScriptedUpstream> {
  const upstream = await new ScriptedUpstream().start()
  onTestFinished(() => upstream.stop())
  for (const [path, step] of Object.entries(CASES[protocol]?.answers(upstream.origin) ?? {})) {
    upstream.on(path, (request) => {
      if (login && request.headers.authorization !== LOGIN)
        return answer(401, 'who?', { 'www-authenticate': 'Basic realm="x"' })
      // Without a login members have more than enough time to be faster.
      return login ? step : spoil(step, delay(400))
    })
  }
  return upstream
}

describe.for(Object.keys(CASES))('what came with a login (%s)', (protocol) => {
  const { paths = [], file = '' } = CASES[protocol] ?? { file: '' }

  function mirrorTo(name: string, upstream: ScriptedUpstream): MirrorConfig {
    const pins = protocol === 'raw' ? { pins: { 'secret.bin': SHA256 } } : {}
    return { name, protocol, path: `/${name}/`, upstreams: [`${upstream.origin}/`], local: false, ...pins }
  }

  async function statuses(url: string, name: string): Promise<number[]> {
    const all: number[] = []
    for (const path of paths)
      for (const method of ['GET', 'HEAD']) all.push((await exchange(`${url}/${name}/${path}`, { method })).status)
    return all
  }

  async function mesh(share: boolean) {
    const [closed, open] = [await upstreamOf(protocol, true), await upstreamOf(protocol, false)]
    const credentials = [{ origin: closed.origin, username: 'ann', password: new Secret('hunter2'), share }]
    const init = { upstream: closed.origin, mirrors: [mirrorTo('closed', closed), mirrorTo('open', open)] }
    const started = await TestMesh.create(temp, { ...init, config: { credentials } })
    const { seed } = started
    const other = await started.join(init)
    expect(await statuses(seed.url, 'closed')).toEqual(all(200))
    await storeAtRest(seed)
    return { other, asked: () => open.count(file) }
  }

  const all = (status: number) => paths.flatMap(() => [status, status])

  it('is on no other member, also where the same bytes are public elsewhere', async () => {
    const { other, asked } = await mesh(false)
    expect(new Set(await statuses(other.url, 'closed'))).toEqual(new Set([403]))
    // Who has the digest by a right of his own does not get the same bytes from the seed’s private ones either.
    expect(await statuses(other.url, 'open')).toEqual(all(200))
    await storeAtRest(other)
    expect(new Set(await statuses(other.url, 'closed'))).toEqual(new Set([403]))
    expect(asked()).toBeGreaterThan(0)
  })

  it('is for members if its login says so, who have the digest from where they may ask', async () => {
    const { other, asked } = await mesh(true)
    expect(await statuses(other.url, 'open')).toEqual(all(200))
    expect(asked()).toBe(0)
  })
})
