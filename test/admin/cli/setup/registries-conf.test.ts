import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { crio, podman } from '../../../../admin/cli/setup/clients/podman.ts'
import { NotEditable } from '../../../../admin/cli/setup/not-editable.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { HOST, machine, mirror, NODE } from './editing.ts'

const temp = useTempFolders()
const SYSTEM = 'etc/containers/registries.conf.d/warren.conf'
const OWN = 'home/.config/containers/registries.conf.d/warren.conf'
const MIRRORS = ['docker.io', 'quay.io'].map((registry) => ({ ...mirror, url: `${NODE}/v2/`, registry }))

/** A machine on which other files tell of registries already, by their path. */
function machineWith(files: Readonly<Record<string, readonly string[]>>, user = 0) {
  const root = temp.create('root')
  for (const [path, lines] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), lines.join('\n'))
  }
  return { ...machine, root, home: join(root, 'home'), user, env: { XDG_CONFIG_HOME: join(root, 'elsewhere') } }
}

/** What is written at a path, by registry. */
function written(at: ReturnType<typeof machineWith>, path = SYSTEM): Record<string, unknown> {
  const [one = mirror] = MIRRORS
  const text = podman.edit('', { machine: at, mirror: one, mirrors: MIRRORS }, join(at.root, path))
  const { registry } = parse(text) as { registry: { prefix: string }[] }
  return Object.fromEntries(registry.map(({ prefix, ...entry }) => [prefix, entry]))
}

const ours = (registry: string) => ({ location: `${HOST}/${registry}`, insecure: true })

test('what other files say of a registry is in ours, behind the node: its entry alone counts', () => {
  const at = machineWith({
    'etc/containers/registries.conf': ['[[registry]]', 'location = "docker.io"', 'blocked = true'],
    'etc/containers/registries.conf.d/a.conf': [
      '[[registry]]',
      'prefix = "quay.io"',
      'location = "early.test"',
      '[[registry]]',
      'prefix = "docker.io/library"',
      'location = "narrow.test"',
    ],
    'etc/containers/registries.conf.d/b.conf': [
      '[[registry]]',
      'location = "quay.io"',
      'mirror-by-digest-only = true',
      '[[registry.mirror]]',
      'location = "corp.test/quay"',
    ],
    [SYSTEM]: ['[[registry]]', 'location = "quay.io"', '[[registry.mirror]]', 'location = "an-earlier-one-of-ours.test"'],
  })
  expect(written(at)).toEqual({
    'docker.io': { location: 'docker.io', blocked: true, mirror: [ours('docker.io')] },
    'quay.io': {
      location: 'quay.io',
      'mirror-by-digest-only': true,
      mirror: [ours('quay.io'), { location: 'corp.test/quay' }],
    },
  })
})

test('an entry for all hosts of a domain counts for those that have none', () => {
  const of = (prefix: string, location: string) => ['[[registry]]', `prefix = "${prefix}"`, `location = "${location}"`]
  const all = [...of('*.io', 'all.test'), ...of('*.quay.io', 'below.test'), ...of('docker.io', 'one.test')]
  expect(written(machineWith({ 'etc/containers/registries.conf': all }))).toMatchObject({
    'docker.io': { location: 'one.test' },
    'quay.io': { location: 'all.test' },
  })
})

test('a user is led by a file below the home folder, whatever XDG_CONFIG_HOME says', () => {
  const at = machineWith({ 'etc/containers/registries.conf': ['[[registry]]', 'location = "quay.io"', 'blocked = true'] }, 1)
  expect(podman.files(at, MIRRORS)).toEqual([join(at.root, OWN)])
  expect(written(at, OWN)).toMatchObject({ 'quay.io': { blocked: true } })
})

test('root whose own registries.conf hides those of the system gets a file beside it, with what that says', () => {
  const at = machineWith({
    'home/.config/containers/registries.conf': ['[[registry]]', 'location = "quay.io"', 'blocked = true'],
    'etc/containers/registries.conf': ['[[registry]]', 'location = "docker.io"', 'blocked = true'],
  })
  expect(podman.files(at, MIRRORS)).toEqual([join(at.root, SYSTEM), join(at.root, OWN)])
  expect(written(at, OWN)).toEqual({
    'docker.io': { location: 'docker.io', mirror: [ours('docker.io')] },
    'quay.io': { location: 'quay.io', blocked: true, mirror: [ours('quay.io')] },
  })
  expect(written(at)).toMatchObject({ 'docker.io': { blocked: true }, 'quay.io': { mirror: [ours('quay.io')] } })
  expect(crio.files(at, MIRRORS)).toEqual([join(at.root, SYSTEM)])
})

test('a file that is read later, and has an entry for a registry, is not passed over', () => {
  const of = (registry: string) =>
    machineWith({ 'etc/containers/registries.conf.d/zz.conf': ['[[registry]]', `location = "${registry}"`] })
  expect(() => written(of('quay.io'))).toThrow(NotEditable)
  expect(Object.keys(written(of('other.test')))).toEqual(['docker.io', 'quay.io'])
})
