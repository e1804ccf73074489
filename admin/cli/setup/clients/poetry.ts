import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Client, parsedFile } from '../../doctor/clients/client.ts'
import type { Machine } from '../../doctor/scene.ts'
import { UsageError } from '../../exit-codes.ts'
import type { SetupClient } from '../client.ts'
import { readToml, withTomlEntry, withTomlEntryKey } from '../text/toml.ts'

const SOURCE = ['tool', 'poetry', 'source']
const project = z.object({
  tool: z.object({
    poetry: z.object({ source: z.array(z.object({ name: z.string().optional(), url: z.string().optional() })).default([]) }),
  }),
})

const reader: Client = {
  name: 'Poetry',
  programs: ['poetry'],
  protocol: 'pypi',
  read: ({ folder }) => {
    const where = join(folder, 'pyproject.toml')
    return (parsedFile(where, sourcesIn) ?? []).flatMap(({ url }) => (url === undefined ? [] : [{ where, url }]))
  },
}

/** Poetry has no index of a user: each project names its own. */
export const poetry: SetupClient = {
  name: 'poetry',
  programs: ['poetry'],
  reader,
  // It looks through all sources.
  keepsFormer: true,
  files: (machine) => [projectOf(machine)],
  edit: (text, { mirror }) => {
    const url = `${mirror.url}simple/`
    const own = sourcesIn(text).findIndex(({ name }) => name === 'warren')
    if (own >= 0) return withTomlEntryKey(text, SOURCE, own, 'url', url)
    return withTomlEntry(text, SOURCE, { name: 'warren', url, priority: 'primary' })
  },
  down: 'it stops at whatever is not in its own cache',
  next: 'run «poetry lock»: its lockfile names the index that it was made by; whoever shares the project gets that, too',
}

function projectOf({ folder }: Machine): string {
  const path = join(folder, 'pyproject.toml')
  const isPoetry =
    existsSync(join(folder, 'poetry.lock')) || (parsedFile(path, (text) => 'poetry' in Object(readToml(text).tool)) ?? false)
  if (isPoetry && existsSync(path)) return path
  throw new UsageError(`${folder} has no project of Poetry: its index is that of a project, so run this in its folder`)
}

function sourcesIn(text: string): { readonly name?: string | undefined; readonly url?: string | undefined }[] {
  return project.safeParse(readToml(text)).data?.tool.poetry.source ?? []
}
