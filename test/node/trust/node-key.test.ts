import { once } from 'node:events'
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { generateKey, keyFromPem, keyToPem, peerIdOf } from '../../../node/trust/keys.ts'
import { loadNodeKey } from '../../../node/trust/node-key.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { child } from './children.ts'
import { refusal, reveals, shown } from './fixture.ts'

useLeakCheck()
const folders = useTempFolders()

describe('the key of a node', () => {
  it('is made on first use, for this user alone, and is the same ever after', () => {
    const data = join(folders.create('data'), 'new')
    const key = loadNodeKey(data)
    expect(key.peerId).toBe(peerIdOf(key.publicKey))
    expect(statSync(join(data, 'node.key')).mode & 0o777).toBe(0o600)
    expect(readdirSync(data)).toEqual(['node.key'])
    const again = loadNodeKey(data)
    expect([again.peerId, again.seed]).toEqual([key.peerId, key.seed])
    expect(keyFromPem(readFileSync(join(data, 'node.key'), 'utf8'))?.publicKey).toBe(key.publicKey)
    expect(loadNodeKey(folders.create('data')).peerId).not.toBe(key.peerId)
  })

  it('is one for all processes that start at the same time', async () => {
    const root = folders.create('data')
    const rounds = 100
    const code = `
      while (Date.now() < Number(args[1])) {}
      for (let round = 0; round < ${rounds}; round++) console.log(loadNodeKey(args[0] + '/' + round).peerId)`
    const begin = String(Date.now() + 1500)
    const children = Array.from({ length: 4 }, () => child('node-key.ts', 'loadNodeKey', code, root, begin))
    const outputs = await Promise.all(
      children.map(async (process) => {
        const [output] = await Promise.all([process.stdout ? text(process.stdout) : '', once(process, 'exit')])
        return output.trim().split('\n')
      }),
    )
    expect(new Set(outputs[0]).size).toBe(rounds)
    for (const output of outputs) expect(output).toEqual(outputs[0])
    expect(readdirSync(join(root, '0'))).toEqual(['node.key'])
  })

  const pem = keyToPem(generateKey())
  it.each([
    ['nothing in it', ''],
    ['half of it', pem.slice(0, pem.length >> 1)],
    ['a byte of its head wrong', pem.replace('MC4C', 'MC4D')],
    ['text in it', 'not a key'],
  ])('that is broken is named and left as it is: with %s', (_name, content) => {
    const data = folders.create('data')
    const path = join(data, 'node.key')
    writeFileSync(path, content, { mode: 0o600 })
    const error = refusal('MESH_UNREADABLE', () => loadNodeKey(data))
    expect(error.message).toMatch(`${path} is no Ed25519 key in PEM: put the right file back, or remove it`)
    expect(reveals(shown(error), pem.split('\n')[1] ?? '')).toBe(false)
    expect(readFileSync(path, 'utf8')).toBe(content)
  })

  it('is not taken from a file that others can read', () => {
    const data = folders.create('data')
    loadNodeKey(data)
    const path = join(data, 'node.key')
    chmodSync(path, 0o640)
    const error = refusal('SECRET_EXPOSED', () => loadNodeKey(data))
    expect(error.message).toMatch(`chmod 600 ${path}`)
  })
})
