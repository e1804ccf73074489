import { createHash } from 'node:crypto'
import { crc32, deflateRawSync } from 'node:zlib'

export interface WheelInit {
  readonly name: string
  readonly version: string
  /** Requirements as `Requires-Dist` has them. */
  readonly requires?: readonly string[]
  /** Bytes of an extra file that does not compress. */
  readonly filler?: Buffer
}

export interface Wheel {
  readonly file: string
  readonly bytes: Buffer
  /** The METADATA file in it. */
  readonly metadata: Buffer
}

/** A wheel that installers take: one module, and all that must be in its folder of metadata (PEP 427). */
export function makeWheel({ name, version, requires = [], filler }: WheelInit): Wheel {
  const part = name.replaceAll('-', '_')
  const folder = `${part}-${version}.dist-info`
  const needs = requires.map((one) => `Requires-Dist: ${one}\n`).join('')
  const metadata = Buffer.from(`Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n${needs}`)
  const files: [string, Buffer][] = [
    [`${part}/__init__.py`, Buffer.from(`VERSION = '${version}'\n`)],
    ...(filler ? [[`${part}/filler.bin`, filler] as [string, Buffer]] : []),
    [`${folder}/METADATA`, metadata],
    [`${folder}/WHEEL`, Buffer.from('Wheel-Version: 1.0\nGenerator: warren-test\nRoot-Is-Purelib: true\nTag: py3-none-any\n')],
  ]
  const lines = files.map(([path, bytes]) => `${path},sha256=${urlSafe(bytes)},${bytes.length}\n`)
  files.push([`${folder}/RECORD`, Buffer.from(`${lines.join('')}${folder}/RECORD,,\n`)])
  return { file: `${part}-${version}-py3-none-any.whl`, bytes: zip(files), metadata }
}

function urlSafe(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

/** A zip archive; without dates, so that the same files make the same bytes. */
export function zip(files: readonly (readonly [path: string, bytes: Buffer])[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const [path, bytes] of files) {
    const name = Buffer.from(path)
    const packed = deflateRawSync(bytes)
    const header = Buffer.alloc(30)
    header.writeUInt32LE(0x04034b50, 0)
    const entry = Buffer.alloc(46)
    entry.writeUInt32LE(0x02014b50, 0)
    entry.writeUInt16LE(20, 4)
    for (const [fields, at] of [
      [header, 4],
      [entry, 6],
    ] as const) {
      fields.writeUInt16LE(20, at)
      fields.writeUInt16LE(8, at + 4)
      // 1 January 1980, the first day that there is.
      fields.writeUInt16LE(0x21, at + 8)
      fields.writeUInt32LE(crc32(bytes), at + 10)
      fields.writeUInt32LE(packed.length, at + 14)
      fields.writeUInt32LE(bytes.length, at + 18)
      fields.writeUInt16LE(name.length, at + 22)
    }
    entry.writeUInt32LE(0o644 << 16, 38)
    entry.writeUInt32LE(offset, 42)
    parts.push(header, name, packed)
    directory.push(entry, name)
    offset += header.length + name.length + packed.length
  }
  const entries = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(files.length, 8)
  end.writeUInt16LE(files.length, 10)
  end.writeUInt32LE(entries.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, entries, end])
}
