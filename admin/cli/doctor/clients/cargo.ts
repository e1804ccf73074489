import { join } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { type Client, inHome, parsedFile } from './client.ts'

const settings = z.object({
  source: z.record(z.string(), z.object({ 'replace-with': z.string().optional(), registry: z.string().optional() })),
})

/** cargo: what stands in for the registry that it asks by default. */
export const cargo: Client = {
  name: 'cargo',
  programs: ['cargo'],
  protocol: 'cargo',
  read: (machine) => {
    const { CARGO_HOME } = machine.env
    const folders = [join(machine.folder, '.cargo'), ...(CARGO_HOME ? [CARGO_HOME] : inHome(machine, '.cargo'))]
    return folders
      .flatMap((folder) => [join(folder, 'config.toml'), join(folder, 'config')])
      .flatMap((where) => {
        const url = parsedFile(where, replacement)
        return url === undefined ? [] : [{ where, url }]
      })
  },
}

function replacement(text: string): string | undefined {
  const { source } = settings.safeParse(parse(text)).data ?? {}
  let name: string | undefined = 'crates-io'
  // Each may stand in for the next one; a circle is cargo's own to refuse.
  for (let step = 0; step < 8 && name !== undefined; step++) {
    const found: { 'replace-with'?: string | undefined; registry?: string | undefined } | undefined = source?.[name]
    if (found?.['replace-with'] === undefined)
      return name === 'crates-io' ? undefined : found?.registry?.replace(/^sparse\+/, '')
    name = found['replace-with']
  }
  return undefined
}
