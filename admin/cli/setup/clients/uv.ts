import { join } from 'node:path'
import { z } from 'zod'
import { configFolder } from '../../doctor/clients/client.ts'
import { uv as reader } from '../../doctor/clients/uv.ts'
import type { SetupClient } from '../client.ts'
import { readToml, withTomlEntry, withTomlEntryKey, withTomlKey } from '../text/toml.ts'

const settings = z.object({
  index: z.array(z.object({ default: z.unknown().optional() })).default([]),
  'index-url': z.unknown().optional(),
  pip: z.object({ 'index-url': z.unknown().optional() }).default({}),
})

export const uv: SetupClient = {
  name: 'uv',
  programs: ['uv'],
  reader,
  files: (machine) => configFolder(machine).map((folder) => join(folder, 'uv/uv.toml')),
  edit: (text, { mirror }) => uvSettings(text, `${mirror.url}simple/`),
  down: 'it stops after three tries; --default-index names another index for one command',
}

/** The text of a `uv.toml` with this default index; other indexes stay before it, as uv has them. Throws NotEditable. */
function uvSettings(text: string, url: string): string {
  const { index = [], 'index-url': old, pip = {} } = settings.safeParse(readToml(text)).data ?? {}
  // Of «uv pip», above all the rest.
  const led = pip['index-url'] === undefined ? text : withTomlKey(text, ['pip'], 'index-url', url)
  const at = index.findIndex((one) => one.default === true)
  if (at >= 0) return withTomlEntryKey(led, ['index'], at, 'url', url)
  return old === undefined ? withTomlEntry(led, ['index'], { url, default: true }) : withTomlKey(led, [], 'index-url', url)
}
