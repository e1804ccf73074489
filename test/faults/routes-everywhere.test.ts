import { describe, expect, it, onTestFinished } from 'vitest'
import { ecosystems } from '../../node/built-ins.ts'
import { loadConfig } from '../../node/config/load.ts'
import type { MirrorConfig } from '../../node/config/schema.ts'
import { answer } from '../harness/answer.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ScriptedUpstream, type Step } from '../harness/scripted.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'

useLeakCheck()
const temp = useTempFolders()

const HEX = 'ab'.repeat(32)

interface Case {
  readonly pattern: string
  /** Metadata and files of what it binds, in all spellings, below the mount. */
  readonly paths: readonly string[]
  readonly more?: object
}

const CASES: Readonly<Record<string, Case>> = {
  npm: {
    pattern: '@corp/*',
    paths: ['@corp/x', '@Corp%2fX', '@corp/x/latest', '@corp/x/-/x-1.0.0.tgz', '-/package/@corp%2fx/dist-tags'],
  },
  pypi: {
    pattern: 'corp-*',
    paths: [
      'simple/corp-tool/',
      `files/corp-tool/${HEX}/corp_tool-1.0-py3-none-any.whl`,
      `files/corp-tool/${HEX}/corp_tool-1.0-py3-none-any.whl.metadata`,
      'files/corp-tool/-/corp_tool-1.0.tar.gz',
      'pypi/Corp_Tool/json',
    ],
  },
  maven: {
    pattern: 'com.corp',
    paths: [
      'com/corp/lib/1.0/lib-1.0.jar',
      'com/corp/lib/1.0/lib-1.0.pom.sha1',
      'com/corp/lib/maven-metadata.xml',
      'com/corp/lib/maven-metadata.xml.sha256',
      'com/corp/lib/2.0-SNAPSHOT/lib-2.0-20240101.010101-7.jar',
      'com.corp/lib/1.0/jars/lib.jar',
      'com/corp/',
    ],
  },
  go: {
    pattern: 'git.corp.test',
    paths: [
      'git.corp.test/!team/x/@v/list',
      'git.corp.test/x/@latest',
      'git.corp.test/x/@v/v1.0.0.info',
      'git.corp.test/x/@v/v1.0.0.mod',
      'git.corp.test/x/@v/v1.0.0.zip',
    ],
  },
  cargo: {
    pattern: 'corp-*',
    paths: ['co/rp/corp-tool', 'co/rp/corp_tool', `crates/Corp_Tool/1.0.0/${HEX}.crate`, 'crates/corp-tool/1.0.0/download'],
  },
  oci: {
    pattern: 'corp',
    more: { registry: 'images.example.test' },
    paths: [
      'corp/app/manifests/latest',
      `corp/app/manifests/sha256:${HEX}`,
      `corp/app/blobs/sha256:${HEX}`,
      'corp/app/tags/list',
      `corp/app/referrers/sha256:${HEX}`,
    ],
  },
  raw: {
    pattern: 'releases/corp',
    more: { immutable: ['*.tar.gz'], pins: { 'releases/corp/pinned': `sha256:${HEX}` } },
    paths: [
      'releases/corp/tool.tar.gz',
      'releases%2fcorp/tool.zip',
      'releases/corp/pinned',
      'releases/corp/dists/stable/InRelease',
      `releases/corp/dists/stable/main/binary-amd64/by-hash/SHA256/${HEX}`,
      'releases/corp/dists/stable/main/binary-amd64/Packages.gz',
      'releases/corp/pool/x_1.0_amd64.deb',
    ],
  },
}

async function upstreamOf(step: Step): Promise<ScriptedUpstream> {
  const upstream = await new ScriptedUpstream().start()
  onTestFinished(() => upstream.stop())
  return upstream.on(/./, step)
}

/** Where an index of Python packages is, so that it has the older API as well. */
function baseOf({ origin }: ScriptedUpstream): string {
  return `${origin}/simple/`
}

function mirrorsOf(protocol: string, entry: object): MirrorConfig[] {
  const mirrors = JSON.stringify({ m: { protocol, path: '/m/', ...CASES[protocol]?.more, ...entry } })
  const { config } = loadConfig({ env: { WARREN_MIRRORS: mirrors }, home: '/home/ann', flags: new Map(), ecosystems })
  return config.mirrors.filter(({ name }) => name === 'm')
}

/** Without what is made of what all upstreams have: the list of versions of a group of Maven repositories. */
function ofFirst(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => !path.includes('maven-metadata'))
}

/** Statuses to GET and HEAD of each path. */
async function statuses(url: string, paths: readonly string[]): Promise<number[]> {
  const all: number[] = []
  for (const path of paths)
    for (const method of ['HEAD', 'GET'])
      for (const headers of [{}, { range: 'bytes=5-9' }])
        all.push((await exchange(`${url}/m/${path}`, { method, headers })).status)
  return all
}

const NOES: readonly [string, Step][] = [
  ['wants a login', answer(401, 'who?', { 'www-authenticate': 'Basic realm="x"' })],
  ['forbids it', answer(403, 'no')],
  ['withholds it', answer(451, 'no')],
  ['fails', answer(500, 'oops')],
  ['is overloaded', answer(503, 'later', { 'retry-after': '60' })],
  ['is limited', answer(429, 'slow down', { 'retry-after': '60' })],
  ['has a login page', answer(200, '<html>Sign in</html>', { 'content-type': 'text/html' })],
]

describe.for(Object.entries(CASES))('%s', ([protocol, { pattern, paths }]) => {
  it.for([...NOES, ['has no such thing', answer(404)], ['has it no more', answer(410)]] as [string, Step][])(
    'asks nobody else for a bound name when its upstream %s',
    async ([, step]) => {
      const [everybody, corp] = [await upstreamOf(answer(200, '{}')), await upstreamOf(step)]
      const mirrors = mirrorsOf(protocol, { upstreams: [baseOf(everybody)], routes: { [pattern]: baseOf(corp) } })
      const { url } = await startNode({ data: temp.create('data'), upstream: everybody.origin, mirrors })
      await statuses(url, paths)
      expect(everybody.tally.log.map(({ target }) => target)).toEqual([])
      expect(corp.tally.total.requests).toBeGreaterThan(0)
    },
  )

  it.for(NOES)('asks no further upstream for a free name when the first %s', async ([what, step]) => {
    const [first, second] = [await upstreamOf(step), await upstreamOf(answer(404))]
    const mirrors = mirrorsOf(protocol, { upstreams: [baseOf(first), baseOf(second)] })
    const { url } = await startNode({ data: temp.create('data'), upstream: first.origin, mirrors })
    const all = await statuses(url, ofFirst(paths))
    expect([what, second.tally.log.map(({ target }) => target)]).toEqual([what, []])
    expect(all.filter((status) => status === 404)).toEqual([])
  })

  it('asks nobody else for a bound name, and no further upstream for a free one, when the first is gone', async () => {
    const [everybody, corp] = [await upstreamOf(answer(200, '{}')), await upstreamOf(answer(404))]
    await corp.gone()
    for (const [entry, asked] of [
      [{ upstreams: [everybody.origin], routes: { [pattern]: baseOf(corp) } }, paths],
      [{ upstreams: [baseOf(corp), baseOf(everybody)] }, ofFirst(paths)],
    ] as const) {
      const { url } = await startNode({ data: temp.create('data'), upstream: corp.origin, mirrors: mirrorsOf(protocol, entry) })
      expect(new Set(await statuses(url, asked))).toEqual(new Set([503]))
      expect(everybody.tally.log).toEqual([])
    }
  })
})
