import { gzipSync } from 'node:zlib'
import { type Body, bufferBody } from '../../node/body.ts'
import { joinedBody } from './bodies.ts'

const BLOCK = 512
/** Seconds since the epoch at which every member was last changed: a package is the same bytes however often it is made. */
const MTIME = Date.UTC(2020, 0, 1) / 1000

export interface Member {
  /** At most 100 bytes. */
  readonly path: string
  readonly bytes: Buffer | string
  readonly executable?: boolean
}

/** A POSIX ustar archive (IEEE Std 1003.1, pax) of plain files. */
function tar(members: readonly Member[]): Buffer {
  const blocks = members.flatMap((member) => {
    const bytes = Buffer.from(member.bytes)
    return [header(member, bytes.length), bytes, padding(bytes.length)]
  })
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)])
}

/** An archive of one plain file whose bytes need not be in memory. */
export function tarOf(path: string, size: number, open: () => Body): { readonly size: number; readonly open: () => Body } {
  const head = header({ path }, size)
  const tail = Buffer.concat([padding(size), Buffer.alloc(2 * BLOCK)])
  const parts = [whole(head), { size, open }, whole(tail)]
  return { size: head.length + size + tail.length, open: () => joinedBody(parts) }
}

/** An npm package archive: gzip of a tar whose members lie under `package/`. */
export function packageArchive(files: readonly Member[]): Buffer {
  return archiveBelow('package', files)
}

/** A gzipped tar whose members lie under `folder`. */
export function archiveBelow(folder: string, files: readonly Member[]): Buffer {
  return gzipSync(tar(files.map((file) => ({ ...file, path: `${folder}/${file.path}` }))), { level: 1 })
}

function padding(size: number): Buffer {
  return Buffer.alloc((BLOCK - (size % BLOCK)) % BLOCK)
}

function whole(bytes: Buffer) {
  return { size: bytes.length, open: () => bufferBody(bytes) }
}

function header(member: Omit<Member, 'bytes'>, size: number): Buffer {
  const name = Buffer.from(member.path)
  if (name.length > 100) throw new RangeError(`${member.path} is longer than the 100 bytes that a plain ustar name may have`)
  const block = Buffer.alloc(BLOCK)
  name.copy(block, 0)
  octal(block, 100, 8, member.executable ? 0o755 : 0o644)
  octal(block, 108, 8, 0)
  octal(block, 116, 8, 0)
  octal(block, 124, 12, size)
  octal(block, 136, 12, MTIME)
  block.write('        0', 148)
  block.write('ustar\x0000', 257)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}

function octal(block: Buffer, at: number, length: number, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at)
}
