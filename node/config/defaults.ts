import { isAbsolute, join } from 'node:path'
import { isLoopback, type TcpAddress, toHostPort } from '../tcp-address.ts'
import { ADMIN_PORT, BLOB_PORT, MESH_PORT, MIRROR_PORT } from './constants.ts'

/** Where folders of a user are looked up. */
export interface UserFolders {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Home folder; undefined where there is none, as for some service users. */
  readonly home: string | undefined
}

/** What applies where nobody says otherwise, in the form in which it could stand in the file. */
export function defaults(folders: UserFolders): ReadonlyMap<string, unknown> {
  const settings = new Map<string, unknown>([
    ['listen', [`127.0.0.1:${MIRROR_PORT}`]],
    ['hosts', []],
    ['trustedProxies', []],
    ['log.level', 'info'],
    ['store.minFree', '10%'],
    ['store.quota', 'auto'],
    ['memory.hot', '64MiB'],
    ['memory.rendered', '64MiB'],
    ['upstream.connectTimeout', '10s'],
    ['upstream.headersTimeout', '30s'],
    ['upstream.idleTimeout', '30s'],
    ['upstream.concurrency', 16],
    ['upstream.patience', '8s'],
    ['upstream.ca', []],
    ['mesh.listen', `0.0.0.0:${MESH_PORT}`],
    ['mesh.blobs', `0.0.0.0:${BLOB_PORT}`],
    ['mesh.announce', []],
    ['mesh.bootstrap', []],
    ['mesh.ephemeral', false],
    ['mesh.replicas', 2],
    ['mesh.names', 'seeds'],
    ['mesh.budget.requests', 12_000],
    ['mesh.budget.fetches', 20_000],
    ['mesh.budget.bytes', '100GiB'],
    ['mesh.budget.pulls', 200],
    ['mesh.mdns', true],
    ['mesh.uploads', 8],
    ['mesh.dht', 'auto'],
    ['fresh.staleWhileRevalidate', '60s'],
    ['fresh.staleIfError', '7d'],
    ['fresh.negative', '30s'],
    ['policy.allow', []],
    ['policy.deny', []],
    ['policy.minimumAge', '0s'],
    ['policy.minimumAgeExceptions', []],
  ])
  const data = userFolder(folders, 'XDG_DATA_HOME', '.local/share')
  if (data !== undefined) settings.set('data', join(data, 'warren'))
  return settings
}

/** The admin address where none is set: never one that others than this machine can reach. */
export function defaultAdminListen(listen: readonly TcpAddress[]): string {
  const local = listen.find(isLoopback)
  return local ? toHostPort(local) : `127.0.0.1:${ADMIN_PORT}`
}

/** A base folder of the XDG Base Directory Specification 0.8, which says to ignore relative values. */
export function userFolder({ env, home }: UserFolders, variable: string, fallback: string): string | undefined {
  const set = env[variable]
  if (set && isAbsolute(set)) return set
  return home === undefined ? undefined : join(home, fallback)
}
