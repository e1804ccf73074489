import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { bun } from '../../../../admin/cli/setup/clients/bun.ts'
import { coursier } from '../../../../admin/cli/setup/clients/coursier.ts'
import { go } from '../../../../admin/cli/setup/clients/go.ts'
import { gradleScript } from '../../../../admin/cli/setup/clients/gradle-script.ts'
import { mavenSettings } from '../../../../admin/cli/setup/clients/maven-settings.ts'
import { npm } from '../../../../admin/cli/setup/clients/npm.ts'
import { pip } from '../../../../admin/cli/setup/clients/pip.ts'
import { uv } from '../../../../admin/cli/setup/clients/uv.ts'
import { NotEditable } from '../../../../admin/cli/setup/not-editable.ts'
import { cargo, edited, maven, mirror, NODE, sbt } from './editing.ts'

test.for([
  [
    npm,
    'a=1\r\nregistry = https://x.test/ ; ours\r\n',
    'a=1\r\nregistry = http://127.0.0.1:7470/one/ ; ours\r\nomit-lockfile-registry-resolved=true\r\n',
  ],
  [
    pip,
    '[install]\nindex-url=https://x.test/\n[global]\n# mine\nINDEX_URL: https://y.test/\n',
    '[install]\nindex-url=http://127.0.0.1:7470/one/simple/\n[global]\n# mine\nINDEX_URL: http://127.0.0.1:7470/one/simple/\n',
  ],
  [go, 'GOPROXY=https://a.test,https://b.test|direct', 'GOPROXY=http://127.0.0.1:7470/one/|direct\n'],
  [go, 'GOPROXY=https://a.test\n', 'GOPROXY=http://127.0.0.1:7470/one/\n'],
  [bun, '[install]\n# mine\n\n[test]\n', '[install]\nregistry = "http://127.0.0.1:7470/one/"\n# mine\n\n[test]\n'],
  [uv, 'index-url = "https://x.test/" # x\n[pip]\n', 'index-url = "http://127.0.0.1:7470/one/simple/" # x\n[pip]\n'],
  [
    uv,
    '[pip]\nindex-url = "https://x.test/"\n[[index]]\ndefault = true\nurl = "https://b.test/"\n',
    '[pip]\nindex-url = "http://127.0.0.1:7470/one/simple/"\n[[index]]\ndefault = true\nurl = "http://127.0.0.1:7470/one/simple/"\n',
  ],
  [
    uv,
    '[[index]]\nurl = "https://a.test/"\n[[index]]\ndefault = true\nurl = "https://b.test/"\n',
    '[[index]]\nurl = "https://a.test/"\n[[index]]\ndefault = true\nurl = "http://127.0.0.1:7470/one/simple/"\n',
  ],
] as const)('what stands beside it keeps its place: %#', ([client, before, after]) => {
  expect(edited(client, before)).toBe(after)
})

test('cargo keeps the source that stood in before, and its other settings', () => {
  const before =
    '[source.crates-io]\nreplace-with = "corp" # ours\n\n[source.corp]\nregistry = "sparse+https://corp.test/"\n[net]\nretry = 3'
  expect(parse(edited(cargo, before))).toEqual({
    source: {
      'crates-io': { 'replace-with': 'warren' },
      corp: { registry: 'sparse+https://corp.test/' },
      warren: { registry: `sparse+${NODE}/one/` },
    },
    net: { retry: 3 },
  })
  expect(edited(cargo, before)).toContain('replace-with = "warren" # ours')
})

test('the mirrors of Maven come before those that were there, and a mirror of the same name gets the address', () => {
  const corp = '<mirror><id>c</id><mirrorOf>central</mirrorOf><url>https://c.test/</url></mirror>'
  const led = edited(maven, `<settings>\n  <!-- ours -->\n  <mirrors>${corp}</mirrors>\n</settings>`)
  expect(led.indexOf('<id>warren</id>')).toBeLessThan(led.indexOf('<id>c</id>'))
  expect(led).toContain('<!-- ours -->')
  const moved = mavenSettings(led, [{ id: 'warren', of: 'central', url: 'http://127.0.0.1:1/' }])
  expect(moved).toBe(led.replace(mirror.url, 'http://127.0.0.1:1/'))
})

test.for([
  [maven, '<settings><mirrors></settings>'],
  [maven, 'no xml'],
  [maven, '<project/>'],
  [cargo, 'not = toml = at all'],
  [cargo, '[source]\ncrates-io = { replace-with = "corp" }\n'],
  [pip, '[global]\nindex-url =\n  https://a.test/\n'],
] as const)('what is broken or cannot be told is left as it is: %#', ([client, text]) => {
  expect(() => edited(client, text)).toThrow(NotEditable)
})

test('the script of Gradle swaps the central repository, and others by their address, and quotes what it is given', () => {
  const script = gradleScript([
    { url: `${NODE}/maven/central/`, isCentral: true, upstreams: ["https://c.test/it's"] },
    { url: `${NODE}/maven/corp/`, isCentral: false, upstreams: ['https://corp.test/m2/'] },
  ])
  expect(script).toContain(`r.name == 'MavenRepo' ? '${NODE}/maven/central/'`)
  expect(script).toContain(`'https://c.test/it\\'s/': '${NODE}/maven/central/'`)
  expect(script).toContain(`'https://corp.test/m2/': '${NODE}/maven/corp/'`)
  expect(script).not.toContain('allowInsecureProtocol')
  const named = gradleScript([{ url: 'http://localhost:7470/maven/', isCentral: true, upstreams: [] }])
  expect(named).toContain('allowInsecureProtocol = true')
})

test('sbt asks the node before others and behind what is on the disk', () => {
  const text = '[repositories]\n  local\n  corp: https://c.test/\n'
  expect(edited(sbt, text)).toBe(
    `[repositories]\n  local\n  warren: ${mirror.url}, allowInsecureProtocol\n  corp: https://c.test/\n`,
  )
})

test('a mirror of coursier for the central repository that somebody has gets the address, and others stay', () => {
  const text = 'a.from=https://a.test\na.to=https://b.test\ncorp.from=*\ncorp.to=https://c.test\n'
  expect(edited(coursier, text)).toBe(text.replace('https://c.test', `${NODE}/one`))
})
