import { join } from 'node:path'
import { parse } from 'smol-toml'
import { z } from 'zod'
import { type Client, configFolder, parsedFile, type Setting, variables } from './client.ts'

const settings = z.object({
  'index-url': z.string().optional(),
  index: z.array(z.object({ url: z.string(), default: z.boolean().optional() })).optional(),
  /** Of «uv pip», above the rest. */
  pip: z.object({ 'index-url': z.string().optional() }).optional(),
})
const project = z.object({ tool: z.object({ uv: settings }) })

export const uv: Client = {
  name: 'uv',
  programs: ['uv'],
  protocol: 'pypi',
  read: (machine) => [
    ...variables(machine, 'UV_DEFAULT_INDEX', 'UV_INDEX_URL'),
    ...inFile(join(machine.folder, 'pyproject.toml'), (text) => project.safeParse(parse(text)).data?.tool.uv),
    ...[machine.folder, ...configFolder(machine).map((folder) => join(folder, 'uv')), join(machine.root, 'etc/uv')].flatMap(
      (folder) => inFile(join(folder, 'uv.toml'), (text) => settings.safeParse(parse(text)).data),
    ),
  ],
}

function inFile(where: string, read: (text: string) => z.output<typeof settings> | undefined): Setting[] {
  const found = parsedFile(where, read)
  const url = found?.index?.find((one) => one.default === true)?.url ?? found?.['index-url']
  return [found?.pip?.['index-url'], url].flatMap((one) => (one === undefined ? [] : [{ where, url: one }]))
}
