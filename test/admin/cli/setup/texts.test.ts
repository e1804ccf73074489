import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import type { SetupClient } from '../../../../admin/cli/setup/client.ts'
import { apt } from '../../../../admin/cli/setup/clients/apt.ts'
import { buildkit } from '../../../../admin/cli/setup/clients/buildkit.ts'
import { bun } from '../../../../admin/cli/setup/clients/bun.ts'
import { cargoConfig } from '../../../../admin/cli/setup/clients/cargo-config.ts'
import { containerd } from '../../../../admin/cli/setup/clients/containerd.ts'
import { coursier } from '../../../../admin/cli/setup/clients/coursier.ts'
import { docker } from '../../../../admin/cli/setup/clients/docker.ts'
import { go } from '../../../../admin/cli/setup/clients/go.ts'
import { gradleScript } from '../../../../admin/cli/setup/clients/gradle-script.ts'
import { ivy } from '../../../../admin/cli/setup/clients/ivy.ts'
import { mavenSettings } from '../../../../admin/cli/setup/clients/maven-settings.ts'
import { npm } from '../../../../admin/cli/setup/clients/npm.ts'
import { pip } from '../../../../admin/cli/setup/clients/pip.ts'
import { podman } from '../../../../admin/cli/setup/clients/podman.ts'
import { poetry } from '../../../../admin/cli/setup/clients/poetry.ts'
import { sbtRepositories } from '../../../../admin/cli/setup/clients/sbt-repositories.ts'
import { uv } from '../../../../admin/cli/setup/clients/uv.ts'
import { yarn } from '../../../../admin/cli/setup/clients/yarn.ts'
import { NotEditable } from '../../../../admin/cli/setup/not-editable.ts'
import { takenOut } from '../../../../admin/cli/setup/taken-out.ts'

const HOST = '127.0.0.1:7470'
const NODE = `http://${HOST}`
const mirror = { name: 'one', protocol: 'any', upstreams: ['https://up.test/'], url: `${NODE}/one/` }
const machine = { env: {}, home: '/h', folder: '/w', root: '/', user: 1, has: () => false }

type Editor = Pick<SetupClient, 'edit'>

function edited({ edit }: Editor, text: string): string {
  return edit(text, { machine, mirror, mirrors: [mirror] }, '/f')
}

/** The same with mirrors of images, in a file of this path. */
function ofImages({ edit }: Editor, path = '/f', url = `${NODE}/v2/`): Editor {
  const all = ['docker.io', 'quay.io'].map((registry) => ({ ...mirror, upstreams: [`https://${registry}/`], url, registry }))
  const [first = mirror] = all
  return { edit: (text) => edit(text, { machine, mirror: first, mirrors: all }, path) }
}

const named = ({ edit }: Editor, path: string): Editor => ({ edit: (text, setting) => edit(text, setting, path) })
const cargo = { edit: (text: string) => cargoConfig(text, mirror.url) }
const maven = { edit: (text: string) => mavenSettings(text, [{ id: 'warren', of: 'central', url: mirror.url }]) }
const sbt = { edit: (text: string) => sbtRepositories(text, [{ name: 'warren', url: mirror.url }]) }

/** What somebody may have in such a file, in lines; made of these texts get files that are right, odd or broken. */
const PIECES: readonly (readonly [string, Editor, readonly string[]])[] = [
  [
    '.npmrc',
    npm,
    [
      'registry=https://a.test/',
      ' registry = "https://b.test/" ; mine',
      '; note',
      '# x',
      '',
      '@c:registry=https://c.test/',
      '//a.test/:_authToken=x',
      'fund=false',
      '[s]',
      'omit-lockfile-registry-resolved=false',
    ],
  ],
  [
    'pip.conf',
    pip,
    [
      '[global]',
      '[install]',
      'index-url = https://a.test/simple',
      'index_url: https://b.test/',
      '# x',
      '; y',
      '',
      'extra-index-url =',
      '    https://c.test/',
      '    https://d.test/',
      'timeout=3',
    ],
  ],
  [
    'go env',
    go,
    [
      'GOPROXY=https://a.test,direct',
      'GOPROXY=direct',
      'GOPROXY=off',
      'GOPROXY=https://a.test|https://b.test',
      '# x',
      '',
      'GOFLAGS=-mod=mod',
    ],
  ],
  [
    'config.toml of cargo',
    cargo,
    [
      '[source.crates-io]',
      'replace-with = "corp" # ours',
      "replace-with='x'",
      '[source.corp]',
      'registry = "sparse+https://corp.test/"',
      '[net] # x',
      'retry = 3',
      '# note',
      '',
      '[source]',
      'crates-io = { replace-with = "z" }',
      '[source.warren]',
      'text = """',
      '"""',
      '[[x]]',
    ],
  ],
  [
    'uv.toml',
    uv,
    [
      'index-url = "https://a.test/simple"',
      '[[index]]',
      'url = "https://b.test/" # b',
      'default = true',
      'name = "n"',
      'url = "https://c.test/"',
      '[pip]',
      'x = [',
      '  1,',
      ']',
      '# n',
      '',
    ],
  ],
  [
    'bunfig.toml',
    bun,
    [
      '[install]',
      'registry = "https://a.test/"',
      'registry = { url = "https://a.test/", token = "t" }',
      '[install.scopes]',
      'c = "https://c.test/"',
      'telemetry = false',
      '# x',
      '',
    ],
  ],
  [
    'settings.xml',
    maven,
    [
      '<settings>',
      '</settings>',
      '  <mirrors>',
      '  </mirrors>',
      '<mirrors/>',
      '    <mirror><id>c</id><mirrorOf>central</mirrorOf><url>https://c.test/</url></mirror>',
      '<!-- <mirrors> -->',
      '<?xml version="1.0"?>',
      '<servers><server><id>c</id></server></servers>',
      '<settings xmlns="http://x.test" a=">"/>',
      '',
      '<mirror><id>warren</id><mirrorOf>central</mirrorOf><url>x</url></mirror>',
    ],
  ],
  [
    'repositories of sbt',
    sbt,
    [
      '[repositories]',
      '  local',
      'maven-local',
      '  corp: https://c.test/',
      '  warren: http://127.0.0.1:1/',
      '# x',
      '',
      '  ivy: https://i.test/, [organization]/[module]',
    ],
  ],
  [
    '.yarnrc',
    named(yarn, '/h/.yarnrc'),
    [
      'registry "https://a.test/"',
      'registry: https://b.test/',
      '# x',
      '',
      '"@c:registry" "https://c.test/"',
      'lastUpdateCheck 1',
    ],
  ],
  [
    '.yarnrc.yml',
    named(yarn, '/h/.yarnrc.yml'),
    [
      'npmRegistryServer: "https://a.test/" # a',
      "npmRegistryServer: 'https://b.test'",
      'unsafeHttpWhitelist: [ "x.test" ] # w',
      'unsafeHttpWhitelist:',
      '  - y.test # y',
      '- z.test',
      '# n',
      '',
      'npmScopes: { c: { npmRegistryServer: "https://c.test" } }',
      'nodeLinker: node-modules',
      'unsafeHttpWhitelist: []',
    ],
  ],
  [
    'pyproject.toml',
    poetry,
    [
      '[tool.poetry]',
      'name = "x" # n',
      '[[tool.poetry.source]]',
      'name = "corp"',
      'url = "https://c.test/simple/"',
      'priority = "primary"',
      '[build-system]',
      'requires = ["poetry-core"]',
      '',
      '# x',
      'name = "warren"',
    ],
  ],
  [
    'mirror.properties',
    coursier,
    [
      'corp.from=*',
      'corp.to=https://c.test/m2',
      'a.from = https://a.test',
      'a.to: https://b.test',
      '# x',
      '',
      'warren.to=http://127.0.0.1:1/',
    ],
  ],
  [
    'ivysettings.xml',
    ivy,
    [
      '<ivysettings>',
      '</ivysettings>',
      '<resolvers>',
      '</resolvers>',
      '<ibiblio name="c" m2compatible="true"/>',
      "<ibiblio name='d' m2compatible='true' root='https://d.test/'/>",
      '<!-- <ibiblio m2compatible="true"/> -->',
      '<chain name="x"><ibiblio name="c" m2compatible="true" usepoms="false"/></chain>',
      '',
    ],
  ],
  [
    'daemon.json',
    ofImages(docker),
    [
      '{',
      '}',
      '{}',
      '  "debug": true,',
      '  "debug": true',
      '"registry-mirrors": ["https://m.test"]',
      '  "registry-mirrors": [],',
      '  "registry-mirrors": [',
      '    "https://m.test"',
      '  ]',
      '  "log-opts": {"registry-mirrors": "}"},',
      '',
    ],
  ],
  [
    'hosts.toml',
    ofImages(containerd, '/certs.d/docker.io/hosts.toml'),
    [
      'server = "https://s.test"',
      '[host."https://m.test"]',
      '  capabilities = ["pull"]',
      '[host."https://n.test".header]',
      'x = "y"',
      '# x',
      '',
      '[host]',
      '[header]',
    ],
  ],
  [
    'buildkitd.toml',
    ofImages(buildkit),
    [
      'debug = true',
      '[registry."docker.io"]',
      '  mirrors = ["m.test"] # m',
      'mirrors = [',
      ' "m.test" ]',
      '[worker.oci]',
      'enabled = true',
      '# x',
      '',
      '[registry."127.0.0.1:7470"]',
      'http = false',
    ],
  ],
  ['warren.conf of podman', ofImages(podman), ['[[registry]]', 'prefix = "docker.io"', '# x', '']],
]

describe.each(PIECES)('%s', (_, client, pieces) => {
  const text = fc
    .tuple(fc.array(fc.constantFrom(...pieces), { maxLength: 10 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
    .map(([lines, end, last]) => lines.join(end) + (last ? end : ''))

  test('is led to the node once for all, and taking it back gives the bytes of before, or it is said to be odd', () => {
    let led = 0
    fc.assert(
      fc.property(text, (before) => {
        let after: string
        try {
          after = edited(client, before)
        } catch (error) {
          expect(error).toBeInstanceOf(NotEditable)
          return
        }
        led++
        expect(after).toContain(HOST)
        expect(edited(client, after)).toBe(after)
        expect(takenOut(after, before, after)).toEqual({ text: before, lost: [] })
        // What is put behind it by somebody stays.
        const more = `${after}${after.endsWith('\n') ? '' : '\n'}# more\n`
        const rest = takenOut(more, before, after)
        // Which of two lines was written can sometimes not be told.
        const isAmbiguous = new Set(before.split('\n')).size < before.split('\n').length
        if (isAmbiguous && rest.lost.length > 0) return
        expect(rest.lost).toEqual([])
        const plain = (one: string) => one.replaceAll('\r\n', '\n').trimEnd()
        expect(plain(rest.text.replace(/# more\n$/, ''))).toBe(plain(before))
      }),
      { numRuns: 300 },
    )
    expect(led).toBeGreaterThan(20)
  })

  test('begins as what the client reads, where there was none', () => {
    const after = edited(client, '')
    expect(edited(client, after)).toBe(after)
    expect(after).toContain(HOST)
  })
})

test.for([
  [
    npm,
    'a=1\r\nregistry = https://x.test/ ; ours\r\n',
    'a=1\r\nregistry = http://127.0.0.1:7470/one/ ; ours\r\nomit-lockfile-registry-resolved=true\r\n',
  ],
  [
    pip,
    '[install]\nindex-url=https://x.test/\n[global]\n# mine\nINDEX_URL: https://y.test/\n',
    '[install]\nindex-url=https://x.test/\n[global]\n# mine\nINDEX_URL: http://127.0.0.1:7470/one/simple/\n',
  ],
  [go, 'GOPROXY=https://a.test,https://b.test|direct', 'GOPROXY=http://127.0.0.1:7470/one/|direct\n'],
  [go, 'GOPROXY=https://a.test\n', 'GOPROXY=http://127.0.0.1:7470/one/\n'],
  [bun, '[install]\n# mine\n\n[test]\n', '[install]\nregistry = "http://127.0.0.1:7470/one/"\n# mine\n\n[test]\n'],
  [uv, 'index-url = "https://x.test/" # x\n[pip]\n', 'index-url = "http://127.0.0.1:7470/one/simple/" # x\n[pip]\n'],
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

test('Docker is told that the node speaks plain HTTP, where that is on another machine', () => {
  const led = edited(ofImages(docker, '/f', 'http://10.0.0.7:7470/v2/'), '{"debug": true}')
  expect(JSON.parse(led)).toEqual({
    'registry-mirrors': ['http://10.0.0.7:7470'],
    'insecure-registries': ['10.0.0.7:7470'],
    debug: true,
  })
})

test('containerd asks the node first, then what it asked before, and the registry itself at last', () => {
  const hosts = ofImages(containerd, '/certs.d/quay.io/hosts.toml')
  const host = `[host."${NODE}"]\ncapabilities = ["pull", "resolve"]\n`
  expect(edited(hosts, '')).toBe(`server = "https://quay.io"\n\n${host}`)
  const before = '[host."https://m.test"]\n  capabilities = ["pull"]\n'
  expect(edited(hosts, before)).toBe(`${host}\n${before}`)
})

test.for([
  ['version = 2\n', 'io.containerd.grpc.v1.cri'],
  ['version = 3\n[plugins."io.containerd.cri.v1.images".registry]\n  config_path = ""\n', 'io.containerd.cri.v1.images'],
] as const)('containerd is told where the folders of registries are: %#', ([text, plugin]) => {
  const after = edited(ofImages(containerd, '/etc/containerd/config.toml'), text)
  expect(parse(after)).toMatchObject({ plugins: { [plugin]: { registry: { config_path: '/etc/containerd/certs.d' } } } })
})

test.for([
  'disabled_plugins = ["cri"]\n',
  'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry]\nconfig_path = "/x"\n',
  'version = 1\n',
])('the settings of containerd stay where they need nothing: %#', (text) => {
  expect(edited(ofImages(containerd, '/etc/containerd/config.toml'), text)).toBe(text)
})

test('mirrors that containerd would not take beside folders are left to whoever wrote them', () => {
  const text =
    'version = 2\n[plugins."io.containerd.grpc.v1.cri".registry.mirrors."docker.io"]\nendpoint = ["https://m.test"]\n'
  expect(() => edited(ofImages(containerd, '/etc/containerd/config.toml'), text)).toThrow(NotEditable)
})

test('podman has an entry for each registry, in plain HTTP where the node speaks that', () => {
  expect(parse(edited(ofImages(podman), ''))).toEqual({
    registry: ['docker.io', 'quay.io'].map((name) => ({
      prefix: name,
      location: name,
      mirror: [{ location: `127.0.0.1:7470/${name}`, insecure: true }],
    })),
  })
})

test('apt asks a mirror for what its upstream was asked for, in both forms of its sources, and comments stay', () => {
  const text = [
    '# deb http://deb.test/debian/ old main',
    'deb [signed-by=/k.gpg] http://deb.test/debian stable main # ours',
    'deb-src http://deb.test/debian/sub other main',
    'deb http://else.test/debian stable main',
    'URIs: http://deb.test/debian http://else.test/debian',
    ' http://deb.test/debian/',
    '',
  ].join('\n')
  const raw = { name: 'debian', protocol: 'raw', upstreams: ['http://deb.test/debian/'], url: `${NODE}/raw/debian/` }
  expect(apt.edit(text, { machine, mirror: raw, mirrors: [raw] }, '/f').split('\n')).toEqual([
    '# deb http://deb.test/debian/ old main',
    `deb [signed-by=/k.gpg] ${NODE}/raw/debian/ stable main # ours`,
    `deb-src ${NODE}/raw/debian/sub/ other main`,
    'deb http://else.test/debian stable main',
    `URIs: ${NODE}/raw/debian/ http://else.test/debian`,
    ` ${NODE}/raw/debian/`,
    '',
  ])
})

test('a mirror of coursier for the central repository that somebody has gets the address, and others stay', () => {
  const text = 'a.from=https://a.test\na.to=https://b.test\ncorp.from=*\ncorp.to=https://c.test\n'
  expect(edited(coursier, text)).toBe(text.replace('https://c.test', `${NODE}/one`))
})
