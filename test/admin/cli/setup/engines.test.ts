import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { apt } from '../../../../admin/cli/setup/clients/apt.ts'
import { containerd } from '../../../../admin/cli/setup/clients/containerd.ts'
import { docker } from '../../../../admin/cli/setup/clients/docker.ts'
import { podman } from '../../../../admin/cli/setup/clients/podman.ts'
import { NotEditable } from '../../../../admin/cli/setup/not-editable.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { edited, machine, mirror, NODE, ofImages } from './editing.ts'

const temp = useTempFolders()

test('Docker is told that the node speaks plain HTTP, where that is on another machine', () => {
  const led = edited(ofImages(docker, '/f', 'http://10.0.0.7:7470/v2/'), '{"debug": true}')
  expect(JSON.parse(led)).toEqual({
    'registry-mirrors': ['http://10.0.0.7:7470'],
    'insecure-registries': ['10.0.0.7:7470'],
    debug: true,
  })
})

test.for([
  ['etc/default/docker', 'DOCKER_OPTS="--registry-mirror=https://m.test"\n', true],
  ['etc/default/docker', '#DOCKER_OPTS="--registry-mirror=https://m.test"\n', false],
  ['etc/systemd/system/docker.service.d/a.conf', 'ExecStart=/usr/bin/dockerd --registry-mirror https://m.test\n', true],
  ['etc/systemd/system/docker.service', 'ExecStart=/usr/bin/dockerd --insecure-registry m.test\n', false],
] as const)(
  'Docker, which does not start with a mirror in its file and one on its command line: %#',
  ([path, text, refuses]) => {
    const root = temp.create('root')
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
    const write = () => docker.edit('', { machine: { ...machine, root }, mirror, mirrors: [mirror] }, '/f')
    if (refuses) expect(write).toThrow(NotEditable)
    else expect(write()).toContain(mirror.url)
  },
)

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
  expect(parse(after)).toMatchObject({
    plugins: { [plugin]: { registry: { config_path: join(machine.root, 'etc/containerd/certs.d') } } },
  })
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
