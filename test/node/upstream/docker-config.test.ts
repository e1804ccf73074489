import { describe, expect, it } from 'vitest'
import { isWarrenError } from '../../../node/errors.ts'
import { authorization } from '../../../node/upstream/credentials.ts'
import { readDockerConfig } from '../../../node/upstream/docker-config.ts'

const PATH = '/home/ann/.docker/config.json'
const base64 = (text: string) => Buffer.from(text).toString('base64')

function read(config: unknown) {
  const { entries, warnings } = readDockerConfig(JSON.stringify(config), PATH)
  return { entries: entries.map((entry) => [entry.origin, authorization(entry)]), warnings }
}

const basic = (text: string) => `Basic ${base64(text)}`

describe("the credentials in Docker's config.json", () => {
  it.each([
    ['https://index.docker.io/v1/', 'https://registry-1.docker.io'],
    ['docker.io', 'https://registry-1.docker.io'],
    ['ghcr.io', 'https://ghcr.io'],
    ['registry.example.test:5000', 'https://registry.example.test:5000'],
    ['http://registry.example.test', 'http://registry.example.test'],
  ])('of %s are for %s', (name, origin) => {
    expect(read({ auths: { [name]: { auth: base64('ann:p:w') } } })).toEqual({
      entries: [[origin, basic('ann:p:w')]],
      warnings: [],
    })
  })

  it('are read as auth, as name and password, and as token', () => {
    const auths = {
      'a.example.test': { auth: base64('ann:secret\0\0') },
      'b.example.test': { username: 'bob', password: 'secret' },
      'c.example.test': { auth: base64('<token>:'), identitytoken: 'refresh-me' },
    }
    expect(read({ auths, HttpHeaders: { 'User-Agent': 'x' } }).entries).toEqual([
      ['https://a.example.test', basic('ann:secret')],
      ['https://b.example.test', basic('bob:secret')],
      ['https://c.example.test', 'Bearer refresh-me'],
    ])
  })

  it('are none where there are none', () => {
    expect(read({ auths: { 'a.example.test': {}, 'b.example.test': { auth: base64('nocolon') } } })).toEqual({
      entries: [],
      warnings: [],
    })
    expect(read({})).toEqual({ entries: [], warnings: [] })
  })

  it('of one namespace are not used for the whole registry', () => {
    const { entries, warnings } = read({ auths: { 'registry.example.test/team': { auth: base64('ann:secret') } } })
    expect(entries).toEqual([])
    expect(warnings).toEqual([
      `${PATH}: the credentials for "registry.example.test/team" are not used, since that is not a whole registry`,
    ])
  })

  it('that a program keeps are refused, with all that is beside them', () => {
    const config = { auths: { 'b.example.test': { auth: base64('bob:secret') } }, credsStore: 'desktop' }
    const helpers = { credHelpers: { 'c.example.test': 'gcloud', 'd.example.test': 'gcloud' } }
    expect(() => read({ ...config, ...helpers })).toThrow(
      'credsStore, credHelpers: desktop, gcloud), which are not run; put the logins under credentials instead',
    )
    expect(() => read(config)).toThrow('desktop')
    expect(() => read(helpers)).toThrow('gcloud')
    expect(() => read({ ...config, credsStore: '' })).not.toThrow()
  })

  it.each([
    ['no JSON', '{"auths": {"a.example.test": {"auth": "hunter2"'],
    ['of another kind', '{"auths": {"a.example.test": "hunter2"}}'],
    ['a list', '["hunter2"]'],
    ['too long', JSON.stringify({ auths: { 'a.example.test': { auth: 'hunter2'.repeat(5_000) } } })],
  ])('are refused without a word of them in a file that is %s', (_what, content) => {
    try {
      readDockerConfig(content, PATH)
      expect.unreachable()
    } catch (error) {
      expect(isWarrenError(error, 'CONFIG_INVALID') && error.message).toContain(PATH)
      expect(String((error as Error).message) + String((error as Error).cause)).not.toContain('hunter2')
    }
  })
})
