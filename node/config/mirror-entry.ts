import { z } from 'zod'
import { type Digest, isOfBytes, parseDigest } from '../digest.ts'
import { isHost } from '../tcp-address.ts'
import { MAX_PINS, MAX_ROUTES } from './constants.ts'
import * as rules from './rules.ts'

const MIRROR_MUST = 'a group of protocol, path and upstreams, or false'
const PROTOCOL_MUST = 'the name of a protocol, such as npm'
const ROUTES_MUST = `a group of at most ${MAX_ROUTES} patterns of names, each with the URL of its upstream, or with false`
const PINS_MUST = `a group of at most ${MAX_PINS} paths, each with its digest`
const URL_MUST = 'an http or https URL, such as https://packages.example.test/npm/, or a group of url, ca and only'
const DIGEST_MUST = 'a digest, such as sha256: and 64 digits of lower-case hex'

/** In what follows names are patterns as somebody wrote them; `mirror-sites.ts` knows how the ecosystem spells them. */
const pattern = rules.readable('a pattern of names', (text) => (/^[^\p{Cc}\s]+$/u.test(text) ? text : undefined))
/** Below a base URL, without a slash at its beginning. */
const below = rules.readable('a path without «.», «..» and empty parts, such as dists/stable/InRelease', (text) => {
  const path = text.replace(/^\//, '')
  return path.split('/').some((part) => part === '' || part === '.' || part === '..') ? undefined : path
})
const glob = rules.readable('a path below the base in which * stands for any characters, such as *.tar.gz', (text) => {
  const path = text.replace(/^\//, '')
  return /^[^\p{Cc}\s]+$/u.test(path) ? path : undefined
})

/** An upstream, with certificate authorities of its own. */
const site = z.strictObject({ url: rules.baseUrl, ca: rules.pemFile.optional() })
/** With names that are asked there and nowhere else. */
const boundSite = site.extend({ only: rules.listOf(pattern, 'patterns of names', 1).optional() })

const readTarget = siteIn(site, 'the URL of an upstream, or false')

/** Where the names of a route are asked; false: nowhere. */
function target(given: unknown, context: z.RefinementCtx): z.output<typeof site> | false {
  return given === false ? false : readTarget(given, context)
}

/**
 * Reads a URL, or a group in which it is `url`. It goes by the looks of what is given, so that a mistake in a group is told where
 * it is; `must` is for what is neither.
 */
function siteIn<Group extends typeof site>(group: Group, must: string) {
  return (given: unknown, context: z.RefinementCtx): z.output<Group> => {
    const isGroup = typeof given === 'object' && given !== null
    const read = z
      .string({ error: must })
      .pipe(rules.baseUrl)
      .transform((url) => ({ url }))
    const { data, error } = (isGroup ? group : read).safeParse(given)
    if (data !== undefined) return data as z.output<Group>
    for (const issue of error?.issues ?? []) {
      const odd = issue.code === 'unrecognized_keys' ? issue.keys : []
      if (odd.length === 0) context.addIssue({ code: 'custom', path: [...issue.path], message: issue.message })
      const message = `left out: there is only ${Object.keys(group.shape).join(', ')}`
      for (const key of odd) context.addIssue({ code: 'custom', path: [...issue.path, key], message })
    }
    return z.NEVER
  }
}

const fileHost = rules.readable('a host with or without a port, such as files.example.test', (text) => {
  const [, host = '', port = '443'] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? []
  return isHost(host) && Number(port) > 0 && Number(port) <= 65_535 ? text.toLowerCase() : undefined
})

const digest = rules.readable(DIGEST_MUST, (text): Digest | undefined => {
  const parsed = parseDigest(text)
  return parsed && isOfBytes(parsed.algorithm) ? parsed : undefined
})

const verifierKey = rules.readable(
  'off, or the key of a checksum database as GOSUMDB has it: its name, a plus, eight digits of hex, a plus and base64',
  (text) => (text === 'off' || /^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/.test(text) ? text : undefined),
)

/** A mirror as it is written down; what is left out comes from the built-in mirror of the same name. */
export const mirrorEntry = z.strictObject(
  {
    protocol: z.string({ error: PROTOCOL_MUST }).optional().describe('Protocol that its clients speak'),
    path: rules.mountPath.optional().describe('Where it is mounted; /<name>/ if not set'),
    upstreams: rules
      .listOf(z.unknown().transform(siteIn(boundSite, URL_MUST)), 'URLs', 1)
      .optional()
      .describe('Base URLs of the registries, asked in this order; the next one only on true absence'),
    routes: z
      .record(z.string(), z.unknown().transform(target), { error: ROUTES_MUST })
      .refine((routes) => Object.keys(routes).length <= MAX_ROUTES, { error: ROUTES_MUST })
      .optional()
      .describe(
        'Names that are asked at one upstream only (its URL), or at none (false); the first pattern that matches counts',
      ),
    lifetime: rules.age.optional().describe('For how long what may change counts as fresh at most'),
    registry: rules.registry.optional().describe('Registry that it is for (oci), as clients name it; * for any public one'),
    tarballUrls: rules
      .oneOf('rewrite', 'preserve')
      .optional()
      .describe('Whether tarball URLs in documents lead to this node (rewrite, if not set) or stay those of upstream'),
    fileHosts: rules
      .listOf(fileHost, 'hosts')
      .optional()
      .describe('Hosts on which an index may put files, beside its own; these may redirect to others'),
    sumdb: verifierKey.optional().describe('Checksum database that is believed, as GOSUMDB has it, or off'),
    immutable: rules.listOf(glob, 'globs').optional().describe('Paths of what never changes'),
    mutable: rules.listOf(glob, 'globs').optional().describe('Paths of what may change'),
    pins: z
      .record(z.string(), digest, { error: PINS_MUST })
      .transform((pins, context): Record<string, Digest> => {
        const entries = Object.entries(pins).flatMap(([path, pinned]): [string, Digest][] => {
          const key = below.safeParse(path)
          if (key.success) return [[key.data, pinned]]
          context.addIssue({ code: 'custom', path: [path], message: `that of ${key.error.issues[0]?.message}` })
          return []
        })
        if (entries.length > MAX_PINS) context.addIssue({ code: 'custom', message: PINS_MUST })
        return Object.fromEntries(entries)
      })
      .optional()
      .describe('Digests that files must have, by path below the base'),
    local: z.boolean({ error: 'true or false' }).optional().describe('Stands above what the mesh says'),
  },
  { error: MIRROR_MUST },
)

export type MirrorEntry = z.output<typeof mirrorEntry>
