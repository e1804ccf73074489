import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ecosystems } from '../../node/built-ins.ts'
import { NO_LAYER } from '../../node/config/overlay.ts'
import { LiveSettings } from '../../node/live-settings.ts'
import { useTempFolders } from '../harness/temp.ts'

const folders = useTempFolders()

const NONE = { allow: [], deny: [], minimumAge: {}, minimumAgeExceptions: [] }
const corp = { protocol: 'npm', upstreams: ['http://127.0.0.1:9/'] }

function open(takeMirrors: (names: readonly string[]) => void = () => {}) {
  const folder = folders.create()
  const taken: string[] = []
  const left: string[] = []
  const settings = new LiveSettings(
    {
      ecosystems,
      takeMirrors: (mirrors) => {
        const names = mirrors.map(({ name }) => name)
        takeMirrors(names)
        taken.push(`mirrors ${names.join(' ')}`)
      },
      takePolicy: ({ deny }) => taken.push(`deny ${deny.join(' ')}`),
      left: (what) => left.push(what),
    },
    { folder, base: { mirrors: [], policy: NONE } },
  )
  return { settings, taken, left, file: join(folder, 'overlay.json') }
}

test('what is different is taken over, and nothing else', () => {
  const { settings, taken } = open()
  settings.setBase({ policy: { ...NONE, deny: ['pkg:npm/a'] } })
  settings.setLedger({ mirrors: { corp }, policy: {} })
  settings.setLedger({ mirrors: { corp }, policy: { deny: ['pkg:npm/a'] } })
  settings.setMirror('mine', { ...corp, path: '/x/' })
  settings.setLedger(NO_LAYER)
  expect(taken).toEqual(['deny pkg:npm/a', 'mirrors corp', 'mirrors mine corp', 'mirrors mine'])
})

test('what the mesh says and cannot be here is told once, and again when it was right in between', () => {
  const { settings, left } = open()
  const wrong = { mirrors: { corp: { ...corp, path: '/admin/' } }, policy: {} }
  for (const ledger of [wrong, wrong, NO_LAYER, wrong]) settings.setLedger(ledger)
  expect(left).toEqual(Array(2).fill(expect.stringContaining('mirrors.corp.path is "/admin/"')))
  expect(settings.problems).toEqual([left[0]])
})

test('a change that cannot be taken over leaves all as it was', () => {
  const { settings, taken, file } = open((names) => {
    if (names.includes('bad')) throw new Error('its certificate has gone')
  })
  settings.setMirror('good', corp)
  expect(() => settings.setMirror('bad', corp)).toThrow('its certificate has gone')
  expect(settings.mirrors.map(({ name }) => name)).toEqual(['good'])
  expect(taken).toEqual(['mirrors good'])
  settings.unsetMirror('good')
  expect(existsSync(file)).toBe(true)
  expect(settings.layers.overlay.mirrors).toEqual({})
})
