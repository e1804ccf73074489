import { existsSync, readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { z } from 'zod'
import { textOf } from '../../doctor/clients/client.ts'
import { containerd as reader } from '../../doctor/clients/containerd.ts'
import type { Machine } from '../../doctor/scene.ts'
import type { Setting, SetupClient } from '../client.ts'
import { baseOf } from '../images.ts'
import type { ClientMirror } from '../mirror.ts'
import { NotEditable } from '../not-editable.ts'
import { literal, readToml, withTomlKey, withTomlTable } from '../text/toml.ts'

const FOLDER = 'etc/containerd/certs.d'
/** By version of the file: what pulls for Kubernetes. */
const PLUGINS: Readonly<Record<number, string>> = { 2: 'io.containerd.grpc.v1.cri', 3: 'io.containerd.cri.v1.images' }

const registrySchema = z.object({
  config_path: z.string().optional(),
  mirrors: z.record(z.string(), z.unknown()).optional(),
  configs: z.record(z.string(), z.unknown()).optional(),
})
const configSchema = z.object({
  version: z.number().optional(),
  disabled_plugins: z.array(z.string()).default([]),
  plugins: z.record(z.string(), z.object({ registry: registrySchema.optional() })).default({}),
})

export const containerd: SetupClient = {
  name: 'containerd',
  programs: reader.programs,
  reader,
  keepsFormer: true,
  files: (machine, mirrors) => {
    const config = join(machine.root, 'etc/containerd/config.toml')
    const folder = hostsFolder(machine)
    const wanted = mirrors.flatMap(({ registry }) => (registry === undefined ? [] : [registry === '*' ? '_default' : registry]))
    const hosts = [...new Set([...wanted, ...(mirrors.length === 0 ? namesIn(folder) : [])])]
    return [...(existsSync(config) ? [config] : []), ...hosts.map((name) => join(folder, name, 'hosts.toml'))]
  },
  edit: (text, setting, path) =>
    basename(path) === 'config.toml' ? configText(text, setting.machine) : hostsText(text, setting, path),
  down: 'it pulls from the registry itself',
  next: 'restart containerd if its config.toml has changed; ctr wants --hosts-dir',
  undone: 'restart containerd if its config.toml has changed',
}

/** Our host before those that are there, and the registry itself behind all of them. */
function hostsText(text: string, { mirrors }: Setting, path: string): string {
  const name = basename(dirname(path))
  const mirror = mirrors.find(({ registry }) => registry === (name === '_default' ? '*' : name))
  if (!mirror) return text
  const upstream = name === '_default' ? [] : serverOf(mirror)
  const start = text.trim() === '' ? upstream.map((url) => `server = ${literal(url)}\n`).join('') : text
  return withTomlTable(start, ['host', baseOf(mirror)], { capabilities: ['pull', 'resolve'] })
}

/** Where the registry answers that is asked when no host before it has something. */
function serverOf({ upstreams }: ClientMirror): string[] {
  return upstreams.slice(0, 1).map((url) => url.replace(/\/$/, ''))
}

function configText(text: string, machine: Machine): string {
  const { version, registry, isOff } = configOf(text)
  const plugin = PLUGINS[version]
  if (isOff || plugin === undefined || (registry?.config_path ?? '') !== '') return text
  // containerd does not start with both.
  if (Object.keys({ ...registry?.mirrors, ...registry?.configs }).length > 0)
    throw new NotEditable(
      'it has registry.mirrors or registry.configs: move them into folders below certs.d, and set config_path',
    )
  return withTomlKey(text, ['plugins', plugin, 'registry'], 'config_path', join(machine.root, FOLDER))
}

function configOf(text: string) {
  const { version = 0, plugins = {}, disabled_plugins = [] } = configSchema.safeParse(readToml(text)).data ?? {}
  const isOff = disabled_plugins.some((name) => name === 'cri' || Object.values(PLUGINS).includes(name))
  return { version, isOff, registry: plugins[PLUGINS[version] ?? '']?.registry }
}

/** The folder that its settings name, else the usual one. */
function hostsFolder({ root }: Machine): string {
  const text = textOf(join(root, 'etc/containerd/config.toml'))
  const [named] = (text === undefined ? '' : (configOf(text).registry?.config_path ?? '')).split(':')
  return named || join(root, FOLDER)
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}
