import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { generateKey } from '../../../node/trust/keys.ts'
import { MeshFolder } from '../../../node/trust/mesh-folder.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { refusal, reveals, shown, TrialMesh } from './fixture.ts'

vi.mock('node:fs', { spy: true })

const folders = useTempFolders()
afterEach(() => vi.mocked(rmSync).mockRestore())
const mesh = new TrialMesh()

const modeOf = (path: string) => statSync(path).mode & 0o777

function newFolder() {
  const data = folders.create('data')
  const folder = new MeshFolder(data)
  return { data, folder, membershipFile: join(data, 'mesh/membership.json'), adminFile: join(data, 'mesh/admin.key') }
}

describe('the mesh folder', () => {
  it('of a lone node is not there, and says so of what it would have', () => {
    const { data, folder } = newFolder()
    expect(folder.path).toBe(join(data, 'mesh'))
    expect([folder.membership(), folder.adminKey()]).toEqual([undefined, undefined])
    folder.leave()
    expect(readdirSync(data)).toEqual([])
  })

  it('keeps membership and admin key for this user alone', () => {
    const { data, folder, membershipFile, adminFile } = newFolder()
    folder.writeAdminKey(mesh.adminKey)
    folder.writeMembership(mesh.membership)
    const later = new MeshFolder(data)
    expect(later.membership()).toEqual(mesh.membership)
    expect(later.adminKey()?.seed).toEqual(mesh.adminKey.seed)
    expect([modeOf(folder.path), modeOf(membershipFile), modeOf(adminFile)]).toEqual([0o700, 0o600, 0o600])
    later.writeMembership(mesh.joined)
    expect(folder.membership()).toEqual(mesh.joined)
  })

  it('keeps the admin key elsewhere when told so', () => {
    const { folder, adminFile } = newFolder()
    const path = join(folders.create('offline'), 'mesh.key')
    folder.writeAdminKey(mesh.adminKey, path)
    expect([folder.adminKey(path)?.publicKey, folder.adminKey()]).toEqual([mesh.adminKey.publicKey, undefined])
    expect([modeOf(path), existsSync(adminFile)]).toEqual([0o600, false])
  })

  it('never replaces the admin key of another mesh', () => {
    const { folder, adminFile } = newFolder()
    folder.writeAdminKey(mesh.adminKey)
    folder.writeAdminKey(mesh.adminKey)
    const error = refusal('MESH_CONFLICT', () => folder.writeAdminKey(generateKey()))
    expect(error.message).toBe(`${adminFile} is the admin key of another mesh: move it to a safe place first`)
    expect(folder.adminKey()?.publicKey).toBe(mesh.adminKey.publicKey)
  })

  it('has nothing but the admin key once the node has left, and leaving twice is no mistake', () => {
    const { folder, membershipFile } = newFolder()
    folder.writeAdminKey(mesh.adminKey)
    folder.writeMembership(mesh.membership)
    writeFileSync(`${membershipFile}.0123456789ab.tmp`, 'left by a crash')
    mkdirSync(join(folder.path, 'peers/deep'), { recursive: true })
    for (let round = 0; round < 2; round++) {
      folder.leave()
      expect(readdirSync(folder.path)).toEqual(['admin.key'])
      expect([folder.membership(), folder.adminKey()?.publicKey]).toEqual([undefined, mesh.adminKey.publicKey])
    }
  })

  it('is that of a lone node even when leaving was broken off', async () => {
    const { folder } = newFolder()
    folder.writeMembership(mesh.membership)
    writeFileSync(join(folder.path, 'earlier by name'), '')
    const actual = await vi.importActual<typeof import('node:fs')>('node:fs')
    vi.mocked(rmSync).mockImplementation((path, options) => {
      if (!String(path).endsWith('membership.json')) throw new Error('broken off')
      actual.rmSync(path, options)
    })
    expect(refusal('STORE_UNUSABLE', () => folder.leave()).message).toBe(`${folder.path} cannot be emptied: broken off`)
    expect(folder.membership()).toBeUndefined()
  })

  it('that cannot be emptied is named with the reason', () => {
    const data = folders.create('data')
    writeFileSync(join(data, 'mesh'), '')
    const { message } = refusal('STORE_UNUSABLE', () => new MeshFolder(data).leave())
    expect(message).toMatch(`${join(data, 'mesh')} cannot be emptied: ENOTDIR`)
  })
})

describe('a membership file', () => {
  const text = JSON.stringify(mesh.joined)
  const { secret } = mesh.joined
  const unreadable = (content: string) => {
    const { folder, membershipFile } = newFolder()
    folder.writeMembership(mesh.joined)
    writeFileSync(membershipFile, content)
    const error = refusal('MESH_UNREADABLE', () => folder.membership())
    expect(readFileSync(membershipFile, 'utf8')).toBe(content)
    expect(error.message).toMatch(`${membershipFile} cannot be used: `)
    expect(error.message).toMatch('. Put the right file back, or leave the mesh (warren mesh leave) and join it anew')
    expect(reveals(shown(error), secret)).toBe(false)
    return error.message
  }

  it.each([
    ['', 'it is not JSON'],
    ['{}', 'its field «v» is missing or malformed'],
    [text.replace('"v":1', '"v":2'), 'it has version 2: a newer Warren made it, this one knows version 1'],
    [text.replace(/"mesh":"[^"]+"/, '"mesh":"0123456789abcdef"'), 'its field «mesh» is missing or malformed'],
    [text.replace(secret, secret.slice(1)), 'its field «secret» is missing or malformed'],
    [text.replace('{', `{"${secret}":1,`), 'it has other fields than it should'],
  ])('that is broken or newer is named, with what to do, and left as it is: %.20s', (content, reason) => {
    expect(unreadable(content)).toMatch(reason)
  })

  it('that was cut anywhere is broken, and no error shows the secret in it', () => {
    const at = text.indexOf(secret)
    for (let length = at - 5; length < at + secret.length + 5; length++) unreadable(text.slice(0, length))
  })

  it('that others can read is refused', () => {
    const { folder, membershipFile } = newFolder()
    folder.writeMembership(mesh.joined)
    chmodSync(membershipFile, 0o644)
    expect(refusal('SECRET_EXPOSED', () => folder.membership()).message).toMatch(`chmod 600 ${membershipFile}`)
  })

  it('that could not be read again is not written over one that can', () => {
    const { folder } = newFolder()
    folder.writeMembership(mesh.joined)
    const error = refusal('MESH_UNREADABLE', () => folder.writeMembership({ ...mesh.joined, addresses: ['a b'] }))
    expect(error.message).toBe('the membership cannot be kept: its field «addresses.0» is missing or malformed')
    expect(folder.membership()).toEqual(mesh.joined)
  })
})

describe('an admin key file', () => {
  it('that is broken is named and left as it is', () => {
    const { folder, adminFile } = newFolder()
    mkdirSync(folder.path)
    writeFileSync(adminFile, 'broken', { mode: 0o600 })
    for (const act of [() => folder.adminKey(), () => folder.writeAdminKey(mesh.adminKey)])
      expect(refusal('MESH_UNREADABLE', act).message).toBe(`${adminFile} is no Ed25519 key in PEM: put the right file back`)
    expect(readFileSync(adminFile, 'utf8')).toBe('broken')
  })

  it('that others can read is refused', () => {
    const { folder, adminFile } = newFolder()
    folder.writeAdminKey(mesh.adminKey)
    chmodSync(adminFile, 0o604)
    expect(refusal('SECRET_EXPOSED', () => folder.adminKey()).message).toMatch(`chmod 600 ${adminFile}`)
  })
})
