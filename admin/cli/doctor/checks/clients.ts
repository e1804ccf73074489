import { isLoopback, toHostPort } from '../../../../node/tcp-address.ts'
import { START_ONE } from '../../exit-codes.ts'
import { hostOf, isSameListener } from '../../same-listener.ts'
import { buildkit } from '../../setup/clients/buildkit.ts'
import { bun } from '../../setup/clients/bun.ts'
import { coursier } from '../../setup/clients/coursier.ts'
import { sbt } from '../../setup/clients/sbt.ts'
import { cargo } from '../clients/cargo.ts'
import { type Client, type Setting, Unreadable } from '../clients/client.ts'
import { containerd } from '../clients/containerd.ts'
import { containers } from '../clients/containers.ts'
import { docker } from '../clients/docker.ts'
import { go } from '../clients/go.ts'
import { gradle } from '../clients/gradle.ts'
import { maven } from '../clients/maven.ts'
import { npm } from '../clients/npm.ts'
import { pip } from '../clients/pip.ts'
import { uv } from '../clients/uv.ts'
import { yarn } from '../clients/yarn.ts'
import { type Finding, note, ok, wrong } from '../finding.ts'
import { isOpen } from '../is-open.ts'
import { type Scene, statusOf } from '../scene.ts'

const CLIENTS: readonly Client[] = [
  npm,
  yarn,
  bun.reader,
  pip,
  uv,
  maven,
  gradle,
  sbt.reader,
  coursier.reader,
  go,
  cargo,
  docker,
  containerd,
  containers,
  buildkit.reader,
]

/** Whether the clients on this machine come to the node. Reads their settings, and changes none. */
export async function checkClients(scene: Scene): Promise<readonly Finding[]> {
  const found = CLIENTS.map(async (client) => {
    try {
      return await checkClient(client, scene)
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error
      return note(`${client.name}: ${error.message}`, 'run this as the user whose settings these are, or as root')
    }
  })
  return (await Promise.all(found)).flat()
}

async function checkClient(client: Client, scene: Scene): Promise<Finding | readonly Finding[]> {
  const { name, programs } = client
  const settings = client.read(scene.machine)
  // One that leads to the node is enough: engines go through all that they have.
  const judged = await Promise.all(settings.map((setting) => judge(client, setting, scene)))
  const [first] = judged
  if (first) return judged.find(({ level }) => level === 'ok') ?? judged.find(({ level }) => level === 'wrong') ?? first
  if (!scene.node || !programs.some((program) => scene.machine.has(program))) return []
  return note(`${name} is told nothing, and goes past the node`, hint(name))
}

async function judge({ name, protocol }: Client, { where, url: text }: Setting, scene: Scene): Promise<Finding> {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol)) return wrong(`${name} is led to what is no URL (${where})`, 'mend it there')
  const what = `${name} is led to ${url.origin}${url.pathname} (${where})`
  const met = addresses(scene).find((address) => isSameListener(url, address))
  // An engine goes on to the registry itself.
  if (!met && protocol !== 'oci' && isHere(scene.base) && (await isForsaken(url)))
    return wrong(`${what}, where nobody answers`, hint(name))
  if (!met) return note(`${what}, past the node`, hint(name))
  if (!scene.node) return wrong(`${what}, where no node runs`, `${START_ONE}, or take that setting back`)
  if (url.protocol !== met.protocol) return wrong(`${what}, where ${met.protocol} is spoken`, `write ${met.origin} there`)
  const status = statusOf(scene)
  const path = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`
  const mirrors = (status?.mirrors ?? []).filter((mirror) => mirror.protocol === protocol)
  if (!status || mirrors.some((mirror) => protocol === 'oci' || path.startsWith(mirror.path))) return ok(what)
  const known = [...new Set(mirrors.map((mirror) => mirror.path))].join(' ')
  return wrong(
    `${what}, where it has no mirror of ${protocol}`,
    known === '' ? 'add such a mirror' : `its mirrors are at ${known}`,
  )
}

/** Whether it is at an address of this machine that a node has left, for one. */
async function isForsaken(url: URL): Promise<boolean> {
  const address = { host: hostOf(url), port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) }
  return isLoopback(address) && !(await isOpen(address))
}

/** Base URLs under which clients of this machine reach the node, or would if it ran. */
function addresses(scene: Scene): URL[] {
  const { config } = scene.local?.settings ?? {}
  const listen = statusOf(scene)?.node.listen ?? (config?.listen ?? []).map((address) => `http://${toHostPort(address)}`)
  const urls = [...listen, ...(config?.publicUrl === undefined ? [] : [config.publicUrl])].map((url) => new URL(url))
  // The loopback addresses of another machine are none of this one.
  return isHere(scene.base) ? urls : urls.filter((url) => !isLoopback({ host: hostOf(url) }))
}

function isHere(base: string): boolean {
  return base === '' || base.startsWith('unix:') || isLoopback({ host: hostOf(new URL(base)) })
}

/** How it would be led to the node. */
function hint(name: string): string {
  return `warren setup ${name.toLowerCase()} --write`
}
