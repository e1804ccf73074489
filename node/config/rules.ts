import { X509Certificate } from 'node:crypto'
import { accessSync, constants, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { isAbsolute, normalize } from 'node:path'
import { z } from 'zod'
import { memberMultiaddr } from '../member-address.ts'
import { isHost, isWildcard, parseTcpAddress } from '../tcp-address.ts'
import { ZONE_NAME } from '../zone.ts'
import { parseAddress, parseNetwork } from './address.ts'
import { MAX_LIST, MAX_PEM_BYTES, MAX_TEXT } from './constants.ts'
import { parseDuration, parseShare, parseSize } from './units.ts'
import { canonicalBase, hasCredentials, hasQueryOrFragment, httpUrl } from './urls.ts'
import { readBounded } from './yaml-file.ts'

/*
 * A rule turns what somebody wrote into what the node uses. The text of each issue is a noun phrase that ends the sentence
 * «<key> is <value>, but must be …».
 */

/** A text that `parse` understands; numbers count as the text that stands for them. */
export function readable<T>(must: string, parse: (text: string) => T | undefined) {
  return z.union([z.string(), z.number()], { error: must }).transform((given, context): T => {
    const text = String(given).trim()
    const value = text.length > MAX_TEXT ? undefined : parse(text)
    if (value !== undefined) return value
    context.addIssue({ code: 'custom', message: must })
    return z.NEVER
  })
}

export function listOf<Item extends z.ZodType>(item: Item, what: string, least = 0) {
  const must = `a list of ${least} to ${MAX_LIST} ${what}`
  return z.array(item, { error: must }).min(least, { error: must }).max(MAX_LIST, { error: must })
}

export const tcpAddress = readable(
  'host:port, such as 127.0.0.1:7470, 0.0.0.0:7470 for all addresses, or "[::1]:7470"',
  parseTcpAddress,
)

/** `:port` is every address, as programs of this kind have it. */
export const meshAddress = readable(
  'an IP address and a port, such as 10.0.0.5:7471, or :7471 for all addresses; port 0 takes a free one',
  (text) => {
    const address = parseTcpAddress(text.startsWith(':') ? `0.0.0.0${text}` : text)
    return address && isIP(address.host) !== 0 ? address : undefined
  },
)

export const address = readable('host:port, such as 127.0.0.1:7473, or unix: and an absolute path', parseAddress).refine(
  (given) => !('socket' in given) || isFree(given.socket),
  { error: 'unix: and a path at which there is no file of another kind' },
)

export const network = readable('a network in CIDR form, such as 10.0.0.0/8 or fd00::/8', parseNetwork)

/** As image names begin: `host[:port]` in lower case. `*` for any. */
export const registry = readable(
  'a registry as image names begin with it, such as registry.k8s.io or localhost:5000',
  (text) => {
    // Without a dot or a port it would be the beginning of a repository's name.
    if (!/[.:*]/.test(text) && text !== 'localhost') return undefined
    const [, host = '', port] = /^([^:]+)(?::(\d{1,5}))?$/.exec(text) ?? []
    const isName = text === '*' || (isHost(host) && Number(port ?? 443) <= 65_535 && Number(port ?? 443) > 0)
    return isName ? text.toLowerCase() : undefined
  },
)

export const hostName = readable('a host name or an IP address, without port and brackets', (text) =>
  isHost(text) ? text.toLowerCase() : undefined,
)

/** All addresses of this machine are no address to go to from another one. */
export const reachableHost = hostName.refine((host) => !isWildcard({ host }) && !host.includes('%'), {
  error: 'a host name or an IP address by which other machines reach this one, such as build1.example.test or 10.0.0.5',
})

/** As clouds name theirs. */
export const zone = readable(
  'the name of a place, of letters, digits, dots, dashes and underscores, such as eu-west-1a or rack-7',
  (text) => (ZONE_NAME.test(text) ? text : undefined),
)

/** As a multiaddr. */
export const memberAddress = readable(
  'host:port, such as seed.example.test:7471, or a multiaddr, such as /dns4/seed.example.test/tcp/7471',
  memberMultiaddr,
)

/** Relative paths would mean another place in each working directory, so they are refused. */
export const folder = readable('an absolute path', absolute)

export const readableFile = readable('the absolute path of a file that this user can read', (text) => {
  const path = absolute(text)
  return path !== undefined && isReadable(path) ? path : undefined
})

export const pemFile = readable('the absolute path of a PEM certificate that this user can read', (text) => {
  const path = absolute(text)
  return path !== undefined && hasCertificate(path) ? path : undefined
})

/** In ms, between `least` and `most` (texts like those that it reads). */
function duration(least: string, most: string) {
  const [low = 0, high = 0] = [parseDuration(least), parseDuration(most)]
  return readable(`a duration from ${least} to ${most} with its unit, such as 500ms, 10s, 5m, 2h or 7d`, (text) => {
    const ms = parseDuration(text)
    return ms !== undefined && ms >= low && ms <= high ? ms : undefined
  })
}

/** How long something is waited for; nothing that takes an hour is still waited for by a client. */
export const timeout = duration('10ms', '1h')
/** How long something old may still be used. */
export const age = duration('0s', '365d')

/** In bytes. */
export const memory = readable('a size with its unit, up to 1TiB, such as 64MiB or 1GiB', (text) => {
  const bytes = sizeIn(text)
  return bytes !== undefined && bytes <= 2 ** 40 ? bytes : undefined
})

/** In bytes a second. */
export const rate = readable('a size with its unit, from 64KiB to 1TiB, such as 50MiB', (text) => {
  const bytes = sizeIn(text)
  return bytes !== undefined && bytes >= 64 << 10 && bytes <= 2 ** 40 ? bytes : undefined
})

export const minFree = readable('a share of the disk, such as 10%, or a size with its unit, such as 5GiB', (text) => {
  const share = parseShare(text)
  if (share !== undefined) return { share }
  const bytes = sizeIn(text)
  return bytes === undefined ? undefined : { bytes }
})

/** In bytes. */
export const quota = readable('a size with its unit, such as 20GiB, none for no bound, or auto', (text) => {
  if (text === 'auto' || text === 'none') return text
  const bytes = sizeIn(text)
  return bytes === 0 ? 'none' : bytes
})

/** A size whose unit was not forgotten: ten would be bytes, where a tenth of the disk or 10 MiB were meant. */
function sizeIn(text: string): number | undefined {
  const bytes = parseSize(text)
  return bytes !== 0 && /^[\d.]+$/.test(text) && (bytes ?? 0) < 2 ** 20 ? undefined : bytes
}

export function count(least: number, most: number) {
  return readable(`a whole number from ${least} to ${most}`, (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    return value >= least && value <= most ? value : undefined
  })
}

export function oneOf<const Choice extends string>(...choices: readonly Choice[]) {
  return readable(`one of ${choices.join(', ')}`, (text) => choices.find((choice) => choice === text))
}

/** True and false in the file; in the environment everything is text. */
export const truth = z
  .preprocess((given) => (typeof given === 'boolean' ? String(given) : given), oneOf('true', 'false'))
  .transform((text) => text === 'true')

const URL_MUST = 'an http or https URL, such as https://packages.example.test/npm/'

/** A base URL, canonical. */
export const baseUrl = z
  .string({ error: URL_MUST })
  .max(MAX_TEXT, { error: `a URL of at most ${MAX_TEXT} characters`, abort: true })
  .refine((text) => httpUrl(text) !== undefined, { error: URL_MUST, abort: true })
  .refine((text) => !hasCredentials(text), {
    error:
      'a URL without user name and password: URLs show in logs and in «warren status»; credentials belong under the key credentials, by registry',
    abort: true,
  })
  .refine((text) => !hasQueryOrFragment(text), { error: 'a URL without ? and #', abort: true })
  .transform(canonicalBase)

const SEGMENT = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,64}$/

/** Where a mirror is mounted, with a slash at both ends. */
export const mountPath = readable('a path of letters, digits and ._~- between slashes, such as /npm-corp/', (text) => {
  const segments = text.replace(/^\/|\/$/g, '').split('/')
  return segments.length <= 8 && segments.every((segment) => SEGMENT.test(segment)) ? `/${segments.join('/')}/` : undefined
})

function absolute(text: string): string | undefined {
  return isAbsolute(text) && !text.includes('\0') ? normalize(text) : undefined
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

function hasCertificate(path: string): boolean {
  try {
    // Others may name it, by the ledger, and a pipe or what the kernel shows as an empty file can keep whoever reads it waiting for ever.
    const stats = statSync(path)
    if (!stats.isFile() || stats.size === 0) return false
    // OpenSSL would pass over what is none without a word.
    new X509Certificate(readBounded(path, MAX_PEM_BYTES) ?? '')
    return true
  } catch {
    return false
  }
}

/**
 * Whether there is nothing at `path`, or a socket: the socket of a killed node is taken away, and a plain file, which refuses
 * connections in the same way, would be taken for one.
 */
function isFree(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? true
  } catch {
    // Behind a folder that this user may not enter; listening says so.
    return true
  }
}
