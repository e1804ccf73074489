import { expect, test } from 'vitest'
import { parseMetadata, parsePom } from '../../../../admin/cli/get/pom.ts'

test('a POM names its parent and what it imports', () => {
  const pom = parsePom(
    Buffer.from(`<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <!-- <parent/> -->
  <parent><groupId>org.x</groupId><artifactId>parent</artifactId><version> 1 </version></parent>
  <packaging>pom</packaging>
  <developers><developer><url><link>https://x.test</link></url></developer></developers>
  <dependencyManagement><dependencies>
    <dependency><groupId>org.y</groupId><artifactId>bom</artifactId><version>2</version><type>pom</type><scope>import</scope></dependency>
    <dependency><groupId>org.y</groupId><artifactId>odd</artifactId><version>\${v}</version><type>pom</type><scope>import</scope></dependency>
    <dependency><groupId>org.y</groupId><artifactId>lib</artifactId><version>3</version></dependency>
  </dependencies></dependencyManagement>
</project>`),
  )
  expect(pom).toEqual({
    packaging: 'pom',
    needs: [
      { group: 'org.x', artifact: 'parent', version: '1' },
      { group: 'org.y', artifact: 'bom', version: '2' },
    ],
  })
  expect(parsePom(Buffer.from('<project><artifactId>a</artifactId></project>'))).toEqual({ packaging: 'jar', needs: [] })
})

test.for(['<html><body>Sign in</body></html>', '<project><parent>', '', '{}', `${'<a>'.repeat(50_000)}`])(
  '%.30s is no POM',
  (text) => {
    expect(() => parsePom(Buffer.from(text))).toThrow()
  },
)

test('elements that HTML has, too, are like any others', () => {
  for (const tag of ['script', 'style', 'link', 'SCRIPT'])
    expect(() => parsePom(Buffer.from(`<project><${tag}></project>`))).toThrow('Unexpected close tag')
  expect(parsePom(Buffer.from('<project><script>a</script><link>b</link></project>'))).toMatchObject({ needs: [] })
})

test('the newest release, else the newest version', () => {
  const metadata = (inner: string) => parseMetadata(Buffer.from(`<metadata><versioning>${inner}</versioning></metadata>`))
  const versions = '<versions><version>1</version><version>2</version></versions>'
  expect(metadata(`<latest>3-SNAPSHOT</latest><release>2.5</release>${versions}`).newest).toBe('2.5')
  expect(metadata(versions).newest).toBe('2')
  expect(metadata('').newest).toBeUndefined()
})

test('what the files of a snapshot are called', () => {
  const value = '1.0-20240101.010101-7'
  const text = `<metadata><versioning><snapshotVersions>
    <snapshotVersion><extension>jar</extension><value>${value}</value></snapshotVersion>
    <snapshotVersion><classifier>sources</classifier><extension>jar</extension><value>${value}</value></snapshotVersion>
  </snapshotVersions></versioning></metadata>`
  expect([...parseMetadata(Buffer.from(text)).snapshots]).toEqual([
    ['jar', value],
    ['jar:sources', value],
  ])
})
