import { hexOf, ScriptedMaven, versionsOf } from '../../harness/scripted-maven.ts'
import { nginxRow } from '../contest.ts'
import { Packages, packageOf } from '../packages.ts'
import { compareWarm } from '../warm.ts'
import { Warren } from '../warren.ts'

const ROW = '12'
const CONNECTIONS = 64
const GOALS = { nginx: { atLeast: 0.5 } }
const SET = packageOf('hot', { versions: 64, bytes: 16 << 10 })
const FOLDER = 'test/bench/hot'

/** Warm jars, their checksums and the metadata of their artifact, against a server that has nothing but files. */
export const maven = nginxRow(ROW, async ({ bench, stack, wrk, rival: nginx }) => {
  const upstream = stack.adopt(await new ScriptedMaven().start(), (started) => started.upstream.stop())
  const packages = new Packages()
  const versions = Array.from({ length: SET.versions }, (_, at) => `1.0.${at}`)
  const jars = versions.map((version) => `${FOLDER}/${version}/hot-${version}.jar`)
  const metadata = `${FOLDER}/maven-metadata.xml`
  const deploy = (path: string, bytes: Buffer) => {
    upstream.deploy(path, bytes)
    nginx.write(path, bytes)
    nginx.write(`${path}.sha1`, Buffer.from(hexOf('sha1', bytes)))
  }
  for (const [at, jar] of jars.entries()) deploy(jar, packages.archive(SET, at))
  const document = Buffer.from(versionsOf('test.bench', 'hot', versions))
  deploy(metadata, document)
  const warren = await Warren.startMirror(stack, { protocol: 'maven', path: '/maven/bench/', upstreams: [upstream.url] })
  const target = await nginx.start(stack, bench.signal)

  const asked = () => upstream.upstream.tally.total.requests
  for (const { work, paths, bytes, isFixed } of [
    { work: `${jars.length} warm 16 KiB jars`, paths: jars, bytes: SET.bytes, isFixed: true },
    { work: 'their .sha1', paths: jars.map((jar) => `${jar}.sha1`), bytes: 40, isFixed: true },
    { work: `maven-metadata.xml of ${kilobytes(document)}`, paths: [metadata], bytes: document.length, isFixed: false },
  ]) {
    const targets = paths.map((path) => `/${path}`)
    await warren.warm(targets, bytes, bench.signal)
    const sides = { warren: { target: warren, paths: targets, asked }, nginx: { target, paths: targets } }
    await compareWarm(bench, wrk, { row: ROW, work, load: { connections: CONNECTIONS }, goals: GOALS, isFixed }, sides)
  }
})

function kilobytes({ length }: Buffer): string {
  return `${(length / 1000).toFixed(1)} kB`
}
