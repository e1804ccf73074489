import { join } from 'node:path'
import { parse as parseToml } from 'smol-toml'
import { parse as parseYaml } from 'yaml'
import { z } from 'zod'
import { inHome, parsedFile, type Setting, textOf } from '../doctor/clients/client.ts'
import { expanded, npmrcs } from '../doctor/clients/npm.ts'
import type { Machine } from '../doctor/scene.ts'
import { type Former, formerOf, type Surroundings } from './adopt.ts'

/** A scope of npm's packages that has a registry of its own, whatever the client is led to for all others. */
export interface Scoped extends Setting {
  /** With its `@`. */
  readonly scope: string
  /** What stands there for another registry. */
  line(url: string): string
}

/** A scope whose packages go past the node. */
export interface PastScope extends Former {
  readonly scope: string
  /** What would lead it to the node, in the place of what stands there; for people. */
  readonly line: string
}

/** Scopes that go past the node, and what makes them come by it. */
export async function pastScopes(scoped: readonly Scoped[], beside: Surroundings): Promise<PastScope[]> {
  const [base = ''] = beside.listeners
  const all = scoped.map(async (one) => {
    const former = await formerOf([one], { ...beside, withPublic: true })
    return former.map((way) => {
      const mirror = beside.mirrors.find(({ name }) => name === way.mirror)
      // Where a mirror is that has no path of its own.
      const url = mirror?.url ?? `${base.replace(/\/$/, '')}/${way.adoption?.name}/`
      return { ...way, scope: one.scope, line: one.line(url) }
    })
  })
  return (await Promise.all(all)).flat()
}

/** Those of `.npmrc`, which pnpm, yarn 1 and bun read as well. */
export function npmrcScopes(machine: Machine): Scoped[] {
  return npmrcs(machine).flatMap((where) =>
    [...(textOf(where) ?? '').matchAll(/^[ \t]*(@[^\s:=]+):registry[ \t]*=[ \t]*["']?([^\s"';#]+)/gm)].map(
      ([, scope = '', url = '']) => ({
        scope,
        where,
        url: expanded(url, machine),
        line: (registry: string) => `${scope}:registry=${registry}`,
      }),
    ),
  )
}

const berry = z.object({ npmScopes: z.record(z.string(), z.object({ npmRegistryServer: z.string().optional() })) })

/** Those of yarn from 2 on, and of 1. */
export function yarnScopes(machine: Machine): Scoped[] {
  const files = (name: string) => [...new Set([join(machine.folder, name), ...inHome(machine, name)])]
  const later = files('.yarnrc.yml').flatMap((where) => {
    const { npmScopes = {} } = berry.safeParse(parsedFile(where, parseYaml)).data ?? {}
    return Object.entries(npmScopes).flatMap(([name, { npmRegistryServer: url }]) => {
      const line = (registry: string) => `npmScopes: { ${name}: { npmRegistryServer: "${registry}" } }`
      return url === undefined ? [] : [{ scope: `@${name}`, where, url, line }]
    })
  })
  const first = files('.yarnrc').flatMap((where) =>
    [...(textOf(where) ?? '').matchAll(/^"?(@[^\s":]+):registry"?:?[ \t]+"?([^\s"]+)/gm)].map(([, scope = '', url = '']) => ({
      scope,
      where,
      url,
      line: (registry: string) => `"${scope}:registry" "${registry}"`,
    })),
  )
  return [...later, ...first, ...npmrcScopes(machine)]
}

const address = z.union([z.string(), z.object({ url: z.string() }).transform(({ url }) => url)])
const bunfig = z.object({ install: z.object({ scopes: z.record(z.string(), address) }) })

/** Those of bun, in the files that it reads. */
export function bunScopes(files: readonly string[], machine: Machine): Scoped[] {
  const own = files.flatMap((where) => {
    const { scopes = {} } = bunfig.safeParse(parsedFile(where, parseToml)).data?.install ?? {}
    return Object.entries(scopes).map(([key, url]) => ({
      scope: `@${key.replace(/^@/, '')}`,
      where,
      url,
      line: (registry: string) => `${JSON.stringify(key)} = "${registry}", under [install.scopes]`,
    }))
  })
  return [...own, ...npmrcScopes(machine)]
}
