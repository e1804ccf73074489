import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createSecretFile, readSecretFile, writeSecretFile } from '../../../node/trust/secret-file.ts'
import { useLeakCheck } from '../../harness/leaks.ts'
import { Random } from '../../harness/random.ts'
import { useTempFolders } from '../../harness/temp.ts'
import { eventually } from '../../harness/wait.ts'
import { child } from './children.ts'
import { refusal } from './fixture.ts'

useLeakCheck()
const folders = useTempFolders()
afterEach(() => vi.restoreAllMocks())

const modeOf = (path: string) => statSync(path).mode & 0o777

/** A path in an empty folder, with a file of this mode when one is given. */
function secretPath(mode?: number, text = 'secret'): string {
  const path = join(folders.create('secret'), 'a.key')
  if (mode === undefined) return path
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

describe.each([
  ['writing', writeSecretFile],
  ['creating', createSecretFile],
])('%s a secret file', (_name, write) => {
  it('makes it, and the folder that was not there, for this user alone, whatever the umask', () => {
    const path = join(folders.create('secret'), 'mesh/deep/a.key')
    const umask = process.umask(0)
    try {
      write(path, 'ä\nb')
    } finally {
      process.umask(umask)
    }
    expect([modeOf(path), modeOf(dirname(path)), modeOf(dirname(dirname(path)))]).toEqual([0o600, 0o700, 0o700])
    expect(readSecretFile(path)).toBe('ä\nb')
    expect(readdirSync(dirname(path))).toEqual(['a.key'])
  })

  it('names the path and the reason when that cannot be done, and leaves nothing behind', () => {
    const file = secretPath(0o600)
    const error = refusal('STORE_UNUSABLE', () => write(join(file, 'a.key'), 'hidden'))
    expect(error.message).toMatch(`${join(file, 'a.key')} cannot be written: ${file} is not a folder`)
    const folder = folders.create('secret')
    mkdirSync(join(folder, 'a.key/full'), { recursive: true })
    if (write === writeSecretFile) refusal('STORE_UNUSABLE', () => write(join(folder, 'a.key'), 'hidden'))
    else expect(write(join(folder, 'a.key'), 'hidden')).toBe(false)
    expect(readdirSync(folder)).toEqual(['a.key'])
  })
})

describe('writing a secret file', () => {
  it.runIf(process.geteuid?.() === 0)('as root, gives it to whose folder it is in, with folders in between', () => {
    const folder = folders.create('secret')
    chownSync(folder, 4321, 4322)
    const path = join(folder, 'mesh/deep/a.key')
    writeSecretFile(path, 'secret')
    const owners = [path, dirname(path), dirname(dirname(path))].map((one) => statSync(one))
    expect(owners.map(({ uid, gid }) => [uid, gid])).toEqual(Array(3).fill([4321, 4322]))
    expect(modeOf(path)).toBe(0o600)
  })

  it('replaces one that was open to others by one that is not', () => {
    const path = secretPath(0o644, 'old')
    writeSecretFile(path, 'new')
    expect([modeOf(path), readSecretFile(path)]).toEqual([0o600, 'new'])
  })

  it('replaces a link instead of writing where it leads', () => {
    const path = secretPath()
    const elsewhere = secretPath(0o644, 'theirs')
    symlinkSync(elsewhere, path)
    writeSecretFile(path, 'ours')
    expect([readSecretFile(path), readFileSync(elsewhere, 'utf8')]).toEqual(['ours', 'theirs'])
  })

  it('leaves the old file or the new one, whole, to readers and when the process is killed at any moment', async () => {
    const path = secretPath()
    const random = new Random(3)
    const [a, b] = ['a'.repeat(60_000), 'b'.repeat(60_000)]
    writeSecretFile(path, a)
    const code = `for (;;) for (const letter of 'ab') writeSecretFile(args[0], letter.repeat(60_000))`
    const seen = new Set<string>()
    for (let round = 0; round < 15; round++) {
      const writer = child('secret-file.ts', 'writeSecretFile', code, path)
      const before = statSync(path).ino
      await eventually('the child writes', () => statSync(path).ino !== before)
      const reads = random.between(50, 300)
      for (let read = 0; read < reads; read++) {
        const text = readSecretFile(path) ?? ''
        expect(text === a || text === b, `${text.length} characters`).toBe(true)
        seen.add(text.charAt(0))
      }
      writer.kill('SIGKILL')
      await once(writer, 'exit')
      const text = readSecretFile(path)
      expect(text === a || text === b).toBe(true)
    }
    expect(seen.size).toBe(2)
    // What a kill leaves beside it is as secret as the file.
    for (const name of readdirSync(dirname(path))) expect(modeOf(join(dirname(path), name))).toBe(0o600)
  })
})

describe('creating a secret file', () => {
  it('leaves the one that is there as it is', () => {
    const path = secretPath()
    expect([createSecretFile(path, 'first'), createSecretFile(path, 'second')]).toEqual([true, false])
    expect(readSecretFile(path)).toBe('first')
  })

  it('does not follow a link, not even one that leads nowhere', () => {
    const path = secretPath()
    const elsewhere = secretPath()
    symlinkSync(elsewhere, path)
    expect(createSecretFile(path, 'ours')).toBe(false)
    expect(existsSync(elsewhere)).toBe(false)
  })
})

describe('reading a secret file', () => {
  it('gives undefined when there is none, nor a folder for it', () => {
    expect(readSecretFile(secretPath())).toBeUndefined()
    expect(readSecretFile(join(secretPath(), 'mesh/a.key'))).toBeUndefined()
  })

  it.each([0o600, 0o400, 0o700])('takes mode %o', (mode) => {
    expect(readSecretFile(secretPath(mode))).toBe('secret')
  })

  it.each([0o640, 0o620, 0o610, 0o604, 0o602, 0o601, 0o644, 0o660, 0o777])(
    'refuses mode %o, and names path, mode and remedy',
    (mode) => {
      const path = secretPath(mode)
      const { message } = refusal('SECRET_EXPOSED', () => readSecretFile(path))
      expect(message).toBe(`${path} is open to other users (mode 0${mode.toString(8)}): chmod 600 ${path}`)
      execFileSync('sh', ['-c', message.slice(message.indexOf('chmod'))])
      expect(readSecretFile(path)).toBe('secret')
    },
  )

  it('refuses the file of another user, who could change it', () => {
    const path = secretPath(0o600)
    const { uid } = statSync(path)
    vi.spyOn(process, 'geteuid').mockReturnValue(uid + 4321)
    expect(refusal('SECRET_EXPOSED', () => readSecretFile(path)).message).toBe(
      `${path} belongs to user ${uid}, and this process is user ${uid + 4321}: chown ${uid + 4321} ${path}`,
    )
  })

  it('gives root the file of any user, but not an open one', () => {
    const path = secretPath(0o600)
    if (process.geteuid?.() === 0) chownSync(path, 4321, 4321)
    vi.spyOn(process, 'geteuid').mockReturnValue(0)
    expect(readSecretFile(path)).toBe('secret')
    chmodSync(path, 0o640)
    refusal('SECRET_EXPOSED', () => readSecretFile(path))
  })

  it('refuses a link, even to a file that is fine', () => {
    const path = secretPath()
    symlinkSync(secretPath(0o600), path)
    expect(refusal('SECRET_EXPOSED', () => readSecretFile(path)).message).toBe(
      `${path} is a symbolic link: put the file itself there`,
    )
  })

  it('refuses a folder, and a pipe without waiting for somebody to write into it', () => {
    const path = secretPath()
    mkdirSync(path)
    expect(refusal('SECRET_EXPOSED', () => readSecretFile(path)).message).toMatch('is no regular file')
    const pipe = secretPath()
    execFileSync('sh', ['-c', `mkfifo -m 600 '${pipe}'`])
    expect(refusal('SECRET_EXPOSED', () => readSecretFile(pipe)).message).toMatch('is no regular file')
  })

  it('judges the file that it opened, whatever is put in its place meanwhile', () => {
    const path = secretPath(0o644, 'open to all')
    const other = secretPath(0o600, 'closed')
    // The last thing that is asked before the check: an attacker who swaps files has this moment.
    vi.spyOn(process, 'geteuid').mockImplementation(() => {
      renameSync(other, path)
      return statSync(path).uid
    })
    expect(refusal('SECRET_EXPOSED', () => readSecretFile(path)).message).toMatch('mode 0644')
    vi.restoreAllMocks()
    expect(readSecretFile(path)).toBe('closed')
  })

  it('takes up to 64 KiB and reads no more of a larger one', () => {
    expect(readSecretFile(secretPath(0o600, 'x'.repeat(65_536)))).toHaveLength(65_536)
    const large = secretPath(0o600, 'x'.repeat(65_537))
    expect(refusal('STORE_UNUSABLE', () => readSecretFile(large)).message).toBe(
      `${large} is larger than 65536 bytes: no file of Warren`,
    )
  })

  it('names the path and the reason when it cannot be read', () => {
    const below = join(secretPath(0o600), 'a.key')
    expect(refusal('STORE_UNUSABLE', () => readSecretFile(below)).message).toMatch(`${below} cannot be read: ENOTDIR`)
  })

  it('keeps no file open, whatever becomes of it', () => {
    for (const mode of [0o600, 0o644]) {
      const path = secretPath(mode)
      for (let round = 0; round < 20; round++) {
        if (mode === 0o600) readSecretFile(path)
        else refusal('SECRET_EXPOSED', () => readSecretFile(path))
      }
    }
  })
})
