import { expect, it, onTestFinished } from 'vitest'
import { ecosystems } from '../../node/built-ins.ts'
import { loadConfig } from '../../node/config/load.ts'
import { serve } from '../harness/answer.ts'
import { exchange } from '../harness/http.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { ScriptedUpstream } from '../harness/scripted.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'

useLeakCheck()
const temp = useTempFolders()

const HEX = 'ab'.repeat(32)

interface Case {
  readonly deny: readonly string[]
  /** Below the mount. */
  readonly paths: readonly string[]
  readonly more?: object
}

/** Every way to name what is denied that one of a registry's spellings leads to. */
const CASES: Readonly<Record<string, Case>> = {
  npm: {
    deny: ['pkg:npm/%40corp/evil@<2.0.0', 'pkg:npm/bad'],
    paths: [
      'bad',
      'BAD',
      '%62ad',
      'bad/latest',
      'bad/-/bad-1.0.0.tgz',
      'bad/-/other-1.0.0.tgz',
      'bad/-/x.tgz',
      '-/package/bad/dist-tags',
      '-/npm/v1/attestations/Bad@1.0.0',
      '@corp/evil/1.0.0',
      '@corp%2fevil/1.9.9',
      '%40corp%2Fevil/1.0.0+x',
      '@Corp/Evil/-/Evil-1.0.0.tgz',
      '@corp/evil/-/evil-1.0.tgz',
      '@corp/evil/-/evil-v1.0.0.tgz',
      '@corp/evil/-/evil-01.0.0.tgz',
      '@corp/evil/-/evil-2.0.0-rc.1.tgz',
      '@corp/evil/-/unnamed.tgz',
      '-/npm/v1/attestations/@corp%2fevil@1.0.0',
    ],
  },
  pypi: {
    deny: ['pkg:pypi/Evil_Tool', 'pkg:pypi/thing@<2'],
    paths: [
      'simple/evil-tool/',
      `files/evil-tool/${HEX}/evil_tool-1.0.tar.gz`,
      `files/evil-tool/${HEX}/innocent-1.0.tar.gz.asc`,
      `files/evil-tool/${HEX}/evil_tool-1.0-py3-none-any.whl.metadata`,
      `files/thing/${HEX}/thing-1.0.tar.gz`,
      `files/thing/${HEX}/Thing-1.0+local.1.tar.gz`,
      `files/thing/${HEX}/thing-0%211.9.tar.gz`,
      `files/thing/${HEX}/thing-2.0rc1-py3-none-any.whl`,
      `files/thing/${HEX}/thing-1.0-1-py3-none-any.whl.metadata`,
      `files/thing/${HEX}/thing-01.0.tar.gz`,
      `files/thing/${HEX}/thing-v1.0.zip`,
      `files/thing/-/thing-latest.tar.gz`,
      `files/thing/${HEX}/other-3.0.tar.gz`,
    ],
  },
  maven: {
    deny: ['pkg:maven/com.corp/evil', 'pkg:maven/com.corp/lib@[,2)'],
    paths: [
      'com/corp/evil/3.0/evil-3.0.jar',
      'com/corp/evil/maven-metadata.xml',
      'com/corp/evil/maven-metadata.xml.md5',
      'com/corp/lib/1.0/lib-1.0.jar',
      'com/corp/lib/1%2E0/lib-1.0.jar',
      'com/corp/lib/1.0/lib-1.0-sources.jar',
      'com/corp/lib/1.0/lib-1.0.pom',
      'com/corp/lib/1.0/lib-1.0.pom.sha1',
      'com/corp/lib/1.0/lib-1.0.jar.asc',
      'com/corp/lib/1.0/lib-1.0.jar.asc.sha512',
      'com/corp/lib/1.0/lib-9.0.jar',
      'com/corp/lib/2.0-SNAPSHOT/lib-2.0-20240101.010101-7-tests.jar',
      'com/corp/lib/2.0-SNAPSHOT/lib-2.0-SNAPSHOT.jar',
      'com/corp/lib/2.0-SNAPSHOT/maven-metadata.xml',
      'com.corp/lib/1.0/jars/lib.jar',
      'com/corp/lib/scala_2.12/sbt_1.0/1.0/jars/lib.jar',
      'com/corp/lib/1.0/extra/lib.jar',
    ],
  },
  go: {
    deny: ['pkg:golang/github.com/corp/evil', 'pkg:golang/github.com/corp/lib@<2.0.0'],
    paths: [
      'github.com/corp/evil/@v/list',
      'github.com/!corp/!evil/@latest',
      'github.com/%21corp/evil/@v/v1.0.0.mod',
      'github.com/corp/evil/@v/v1.0.0.zip',
      'github.com/corp/lib/@v/v1.0.0.zip',
      'github.com/corp/lib/@v/v1.0.0.info',
      'github.com/!corp/lib/@v/v1.0.0+incompatible.zip',
      'github.com/corp/lib/@v/v2.0.0-20200101000000-abcdefabcdef.zip',
      'github.com/corp/lib/@v/v0.0.0-20200101000000-abcdefabcdef.info',
    ],
  },
  cargo: {
    deny: ['pkg:cargo/evil-crate', 'pkg:cargo/thing@<2.0.0'],
    paths: [
      'ev/il/evil-crate',
      'ev/il/evil_crate',
      `crates/Evil_Crate/1.0.0/${HEX}.crate`,
      'crates/evil-crate/9.0.0/download',
      'crates/Thing/1.0.0/download',
      `crates/thing/1.0.0+other/${HEX}.crate`,
      'crates/thing/2.0.0-alpha/download',
    ],
  },
  oci: {
    deny: ['pkg:docker/evil', 'pkg:docker/corp/app@1.*', `pkg:docker/corp/app@sha256:${HEX}`],
    more: { registry: 'docker.io' },
    paths: [
      'evil/manifests/latest',
      'library/evil/manifests/latest',
      'library%2fevil/manifests/latest',
      `evil/manifests/sha256:${HEX}`,
      `evil/blobs/sha256:${HEX}`,
      'evil/tags/list',
      `evil/referrers/sha256:${HEX}`,
      'corp/app/manifests/1.0',
      'corp%2Fapp/manifests/1.0',
      `corp/app/manifests/sha256:${HEX}`,
      `corp/app/manifests/sha256%3A${HEX}`,
      `corp/app/blobs/sha256:${HEX}`,
    ],
  },
}

it.for(Object.entries(CASES))(
  'what is denied of %s is so in every spelling, by HEAD, in part and on a condition',
  async ([protocol, { deny, paths, more }]) => {
    const upstream = await new ScriptedUpstream().start()
    onTestFinished(() => upstream.stop())
    upstream.on(/./, serve('anything'))
    const path = protocol === 'oci' ? '/v2/' : '/m/'
    const mirrors = JSON.stringify({ 'docker-hub': false, m: { protocol, path, upstreams: [upstream.origin], ...more } })
    const env = { WARREN_MIRRORS: mirrors, WARREN_POLICY_DENY: JSON.stringify(deny) }
    const { config } = loadConfig({ env, home: '/home/ann', flags: new Map(), ecosystems })
    const { url } = await startNode({
      data: temp.create('data'),
      upstream: upstream.origin,
      mirrors: config.mirrors.filter(({ name }) => name === 'm'),
      config: { policy: config.policy },
    })
    for (const one of paths) {
      for (const method of ['GET', 'HEAD']) {
        for (const headers of [{}, { range: 'bytes=0-0' }, { 'if-none-match': '*' }, { 'cache-control': 'no-cache' }]) {
          const { status, headers: answered } = await exchange(url + path + one, { method, headers })
          expect([one, method, status, answered['x-warren-error']]).toEqual([one, method, 403, 'POLICY_DENIED'])
        }
      }
    }
    expect(upstream.tally.log.map(({ target }) => target)).toEqual([])
  },
)
