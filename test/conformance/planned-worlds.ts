import { cargo } from '../../protocols/cargo/index.ts'
import { go } from '../../protocols/go/index.ts'
import { maven } from '../../protocols/maven/index.ts'
import { npm } from '../../protocols/npm/index.ts'
import { oci } from '../../protocols/oci/index.ts'
import { pypi } from '../../protocols/pypi/index.ts'
import { raw } from '../../protocols/raw/index.ts'
import { ABBREVIATED_TYPE } from '../harness/npm-kinds.ts'
import { makeArtifact, makeMultiArch } from '../harness/oci-images.ts'
import { digestsOf } from '../harness/oci-types.ts'
import { ReplayUpstream } from '../harness/replay.ts'
import { ScriptedCargo } from '../harness/scripted-cargo.ts'
import { ScriptedDebian, sha256 } from '../harness/scripted-debian.ts'
import { ScriptedGo } from '../harness/scripted-go.ts'
import { ScriptedHub } from '../harness/scripted-hub.ts'
import { buildsOf, pomOf, ScriptedMaven, versionsOf } from '../harness/scripted-maven.ts'
import { ScriptedIndex } from '../harness/scripted-pypi.ts'
import { SyntheticRegistry } from '../harness/synthetic.ts'
import type { World } from './named-plans.ts'

/** As a client may send it; escaped, as upstream is asked, it is longer than any path that clients send. */
const LONG = '^'.repeat(450)

async function npmWorld(): Promise<World> {
  const registry = new SyntheticRegistry({ packages: 9 })
  const upstream = await new ReplayUpstream(registry.recording).start()
  const asks = registry.latest.flatMap(({ name, version, tarball }) => [
    `${name}/-/${tarball.slice(tarball.lastIndexOf('/') + 1)}`,
    { path: name, headers: { accept: ABBREVIATED_TYPE } },
    name.replace('/', '%2f'),
    `${name}/latest`,
    `${name}/%5E1.0.0+x`,
    `${name}/${LONG}`,
    `-/npm/v1/attestations/${name}@${version}`,
  ])
  const reached = ['@scope%2fpart-7/1.1.0 ', 'odd-tarball abbreviated', 'odd-tarball full']
  return { protocol: npm, base: upstream.url, patterns: ['*a*', '*o*'], asks, reached, stop: () => upstream.stop() }
}

/** `registry` is how clients name it. */
async function imagesWorld(registry: string, name: string): Promise<World> {
  const hub = await new ScriptedHub().start()
  hub.authenticates = false
  const image = await makeMultiArch()
  const [signature, other] = ['signature', 'other'].map((kind) =>
    makeArtifact(image, `application/x.${kind}`, Buffer.from(kind)),
  )
  hub.publish(name, 'latest', image)
  if (signature) hub.publish(name, undefined, signature)
  if (other) hub.publish(name, undefined, other)
  const { digest } = image.descriptor
  const asks = [
    ...['', 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json'].map(
      (accept) => ({
        path: `${name}/manifests/latest`,
        headers: { accept },
      }),
    ),
    { path: `${name}/tags/list`, query: '?n=02&last=a/b+c&ns=x.example.test' },
    { path: `${name}/referrers/${digest}`, query: '?artifactType=application%2Fx.signature' },
    `${name}/manifests/sha512:${'ab'.repeat(64)}`,
  ]
  const blobs = digestsOf(image).map(
    (one) => `${image.manifests.some(({ descriptor }) => descriptor.digest === one) ? 'manifests' : 'blobs'}/${one}`,
  )
  const reached = blobs.filter((one) => !one.endsWith(digest)).map((one) => `v2/${name}/${one} `)
  const settings = { registry }
  return { protocol: oci, base: `${hub.origin}/`, settings, patterns: [name], asks, reached, stop: () => hub.stop() }
}

async function pypiWorld(): Promise<World> {
  const index = await new ScriptedIndex().start()
  const wheel = index.publish({ name: 'corp-tool', version: '1.0' })
  const hex = sha256(wheel.bytes)
  const file = `files/corp-tool/${hex}/${wheel.file}`
  const asks = [
    file,
    `${file}.metadata`,
    `${file}.asc`,
    `files/corp-tool/sha512-${'ab'.repeat(64)}/corp-tool-1.0.tar.gz.metadata`,
    'files/corp-tool/-/corp_tool-0.9.zip',
    'pypi/Corp.Tool/json',
    'pypi/corp-tool/1.0/json',
    'simple/files/',
  ]
  const reached = ['corp-tool/ ', `${file} metadata`]
  const settings = { fileHosts: ['files.example.test'] }
  return { protocol: pypi, base: index.base, settings, patterns: ['corp-*', 'files'], asks, reached, stop: () => index.stop() }
}

async function mavenWorld(): Promise<World> {
  const repository = await new ScriptedMaven().start()
  const [release, build] = ['com/corp/lib/1.0', 'com/corp/lib/2.0-SNAPSHOT']
  repository.checksums = ['sha1', 'md5']
  repository
    .deploy(`${release}/lib-1.0.jar`, 'jar')
    .deploy(`${release}/lib-1.0.pom`, pomOf('com.corp', 'lib', '1.0'))
    .deploy('com/corp/lib/maven-metadata.xml', versionsOf('com.corp', 'lib', ['1.0', '2.0-SNAPSHOT']))
    .deploy(`${build}/maven-metadata.xml`, buildsOf('com.corp', 'lib', '2.0-SNAPSHOT', '20240101.010101', 7))
  const asks = [
    `${release}/lib-1.0.jar`,
    `${release}/lib-1.0.pom.sha1`,
    `${release}/lib-1.0.jar.asc`,
    `${build}/lib-2.0-20240101.010101-7.jar`,
    `${build}/lib-2.0-SNAPSHOT.jar`,
    'com/corp/lib/maven-metadata.xml',
    'com/corp/lib/maven-metadata.xml.sha1',
    'com.corp/plug%20in/scala_2.12/sbt_1.0/1.0+b/jars/plug%20in.jar',
    'com/corp/',
    'com/corp/lib/latest/lib.jar',
    `com/corp/lib/1.0/lib-1.0-${LONG}.jar`,
    'archetype-catalog.xml',
    '.index/nexus-maven-repository-index.gz',
  ]
  const reached = [
    ...['sha512', 'sha256', 'sha1'].map((algorithm) => `${release}/lib-1.0.jar.${algorithm} `),
    'com/corp/lib/ ',
    `${build}/maven-metadata.xml.sha1 `,
    'com.corp/plug%20in/scala_2.12/sbt_1.0/maven-metadata.xml ',
  ]
  const patterns = ['com.corp', '.index', 'archetype-catalog.xml']
  return {
    protocol: maven,
    base: repository.url,
    patterns,
    asks,
    alone: ['.meta/prefixes.txt'],
    reached,
    stop: () => repository.upstream.stop(),
  }
}

async function goWorld(sumdb?: 'off'): Promise<World> {
  const proxy = await new ScriptedGo().start()
  proxy.fill(300)
  proxy.publish('git.corp.test/Big/a', 'v1.0.0')
  proxy.fill(700)
  const start = 'git.corp.test/!big/a/@v'
  const asks = [
    `${start}/v1.0.0.zip`,
    `${start}/v1.0.0.mod`,
    `${start}/list`,
    `${start}/main.info`,
    `${start.slice(0, -2)}@latest`,
    ...['v1.0.0.zip', 'list'].map((path) => ({ path: `${start}/${path}`, headers: { 'disable-module-fetch': 'true' } })),
  ]
  const database = `sumdb/${proxy.log.signer.name}`
  const key = `key-${proxy.log.signer.verifier.split('+')[1]}`
  const logged = ['lookup/git.corp.test/!big/a@v1.0.0', 'latest', 'tile/8/0/001', 'tile/8/1/000.p/3'].map(
    (path) => `${database}/${path} ${key}`,
  )
  const reached = [`${start}/v1.0.0.info `, ...(sumdb ? [] : logged)]
  const settings = { sumdb: sumdb ?? proxy.sumdb }
  return { protocol: go, base: proxy.url, settings, patterns: ['git.corp.test'], asks, reached, stop: () => proxy.stop() }
}

async function cargoWorld(): Promise<World> {
  const registry = await new ScriptedCargo().start()
  registry.publish('corp-leaf', '0.1.0')
  const crate = registry.publish('Corp_Tool', '1.0.0', { dependencies: [{ name: 'corp-leaf', req: '^0.1' }] })
  const asks = [
    'config.json',
    'co/rp/corp_tool',
    `crates/Corp_Tool/1.0.0/${crate.sha256}.crate`,
    'crates/Corp_Tool/1.0.0/download',
  ]
  const reached = ['co/rp/corp-leaf ', 'config.json ']
  return { protocol: cargo, base: registry.index, patterns: ['corp-*'], asks, reached, stop: () => registry.stop() }
}

async function rawWorld(): Promise<World> {
  const archive = await new ScriptedDebian().start()
  const bytes = Buffer.from('a package')
  const deb = archive.add({ name: 'one', bytes })
  archive.publish()
  archive.put('/debian/files/v1+2/tool ä.tgz', bytes)
  archive.put('/debian/files/v1+2/SHA256SUMS', `${sha256(bytes)}  tool.tgz\n`)
  const index = 'dists/stable/main/binary-amd64'
  const hashed = `${index}/by-hash/SHA256/${sha256(bytes)}`
  const asks = [
    `${index}/Packages`,
    hashed,
    deb,
    'dists/stable/Release.gpg',
    'dists/buster/updates/InRelease',
    'other/dists/testing/InRelease',
    { path: 'dists/stable/InRelease', query: '?token="1"' },
    { path: deb, query: '?' },
    'files/v1+2/tool%20%C3%A4.tgz',
    'files/v1%2b2/a;b=1,c.zip',
    'files/latest.zip',
    `files/${LONG}`,
    'pinned.iso',
    '',
  ]
  const reached = [
    'dists//InRelease/stable ',
    'files/v1%2B2/tool%20%C3%A4.tgz.sha256 checksums',
    'files/v1%2B2/SHA256SUMS checksums',
    `pinned.iso sha256:${'ab'.repeat(32)}`,
  ]
  const pins = { 'pinned.iso': { algorithm: 'sha256', hex: 'ab'.repeat(32) } } as const
  const settings = { immutable: ['files/v1*'], mutable: ['files/latest*'], pins }
  return { protocol: raw, base: archive.base, settings, patterns: ['*'], asks, reached, stop: () => archive.stop() }
}

/** Registries of all ecosystems that were never anywhere, and what clients ask of them. */
export const WORLDS: readonly (readonly [name: string, start: () => Promise<World>])[] = [
  ['npm', npmWorld],
  ['images', () => imagesWorld('images.example.test', 'org/app')],
  ['Docker Hub', () => imagesWorld('docker.io', 'library/app')],
  ['pypi', pypiWorld],
  ['maven', mavenWorld],
  ['go', () => goWorld()],
  ['go without a database', () => goWorld('off')],
  ['cargo', cargoWorld],
  ['raw', rawWorld],
]
