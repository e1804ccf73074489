import { join } from 'node:path'
import { configFolder } from '../../doctor/clients/client.ts'
import { go as reader } from '../../doctor/clients/go.ts'
import type { Machine } from '../../doctor/scene.ts'
import { UsageError } from '../../exit-codes.ts'
import type { SetupClient } from '../client.ts'
import { DIALECTS, withIniKey } from '../text/ini.ts'

const KEY = { dialect: DIALECTS.go, key: 'GOPROXY' }

export const go: SetupClient = {
  name: 'go',
  programs: ['go'],
  reader,
  files: (machine) => [fileOf(machine)],
  edit: (text, { mirror }) => withIniKey(text, KEY, led(text, mirror.url)),
  down: 'it stops; with «|» in the place of «,» in GOPROXY it goes on to what stands behind it, also after a refusal',
}

/** The list of proxies with the node in the place of all that are asked by HTTP; `direct` and `off` stay, with what stands before them. */
function led(text: string, url: string): string {
  const written = [...text.matchAll(/^GOPROXY=(.*)$/gm)].at(-1)?.[1]?.trim()
  if (written === undefined) return `${url},direct`
  const last = /([,|])\s*(direct|off)\s*(?:[,|].*)?$/.exec(written)
  if (last) return `${url}${last[1]}${last[2]}`
  return /^(?:direct|off)$/.test(written) ? `${url},${written}` : url
}

function fileOf(machine: Machine): string {
  const { GOENV } = machine.env
  if (GOENV === 'off')
    throw new UsageError('GOENV is off, so that go reads no file of settings: unset it, or set GOPROXY yourself')
  const [folder] = configFolder(machine)
  if (!GOENV && folder === undefined) throw new UsageError('there is no home folder to write the settings of go into')
  return GOENV || join(folder ?? '', 'go/env')
}
