import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Config } from '../../node/config/schema.ts'
import { useLeakCheck } from '../harness/leaks.ts'
import { Maven } from '../harness/mvn.ts'
import { succeeded } from '../harness/npm.ts'
import { pipInstall, requirePip } from '../harness/pip.ts'
import { pypiMirror, scriptedIndex } from '../harness/scripted-pypi-node.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'
import { requireTool } from '../harness/tools.ts'
import { treeOf } from '../harness/trees.ts'
import { scripted } from './behind.ts'

const SLOW = 180_000

useLeakCheck()
const temp = useTempFolders()

function denying(...deny: string[]): Partial<Config> {
  return { policy: { allow: [], deny, minimumAge: {}, minimumAgeExceptions: [] } }
}

describe('clients that show no bodies of errors', () => {
  it('pip: takes another version, and tells the rule where there is none if it is to tell more', {
    timeout: SLOW,
  }, async (context) => {
    const python = await requirePip(context)
    const index = await scriptedIndex()
    for (const version of ['1.0', '2.0']) index.publish({ name: 'aapkg', version })
    const mirrors = [pypiMirror([index.base])]
    const node = await startNode({
      data: temp.create('data'),
      upstream: index.origin,
      mirrors,
      config: denying('pkg:pypi/AApkg@>=2'),
    })
    const install = (name: string, ...args: string[]) =>
      pipInstall(python, { index: `${node.url}/pypi/simple/`, work: temp.create(name), wanted: ['aapkg'], args })
    const { site } = succeeded(await install('older'))
    expect([...treeOf(site).keys()].filter((path) => path.includes('dist-info/METADATA'))).toEqual([
      'aapkg-1.0.dist-info/METADATA',
    ])
    node.node.applyPolicy({ allow: [], deny: ['pkg:pypi/aa*'], minimumAge: {}, minimumAgeExceptions: [] })
    // Without that it only says that there is no such thing.
    const none = await install('none', '-vv')
    expect([none.code, none.stdout + none.stderr]).toEqual([
      1,
      expect.stringContaining('pkg:pypi/aapkg is denied by the rule pkg:pypi/aa* (policy.deny)'),
    ])
  })

  it('mvn: tells the rule', { timeout: SLOW }, async (context) => {
    const program = requireTool(context, 'mvn')
    const upstream = await scripted()
    const mirrors = [
      { name: 'maven', protocol: 'maven', path: '/maven/central/', upstreams: [`${upstream.origin}/`], local: false },
    ]
    const rule = 'pkg:maven/org.example/parent@[1.0,2.0)'
    const node = await startNode({ data: temp.create('data'), upstream: upstream.origin, mirrors, config: denying(rule) })
    const project = temp.create('project')
    // A parent is the one thing that Maven needs before any plug-in.
    const parent = '<parent><groupId>org.example</groupId><artifactId>parent</artifactId><version>1.5</version></parent>'
    writeFileSync(
      join(project, 'pom.xml'),
      `<project><modelVersion>4.0.0</modelVersion>${parent}<artifactId>app</artifactId><packaging>pom</packaging></project>`,
    )
    const maven = new Maven(program, temp.create('maven'), { '*': `${node.url}/maven/central/` })
    const done = await maven.run(project, 'validate')
    expect([done.code, done.stdout]).toEqual([
      1,
      expect.stringContaining(`pkg:maven/org.example/parent@1.5 is denied by the rule ${rule} (policy.deny)`),
    ])
    expect(upstream.tally.total.requests).toBe(0)
  })
})
