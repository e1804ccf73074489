import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { Documents } from '../../../node/cache/documents.ts'
import { MemoryStore } from '../../../node/store/memory-store.ts'
import { findPackage, packagesParser } from '../../../protocols/raw/packages.ts'

it('a list of packages is never unpacked where clients wait, however few bytes it has', async () => {
  const documents = new Documents({ records: new MemoryStore().records })
  let inline = 0
  const parser = {
    ...packagesParser,
    parse: (bytes: Buffer) => {
      inline++
      return packagesParser.parse(bytes)
    },
  }
  try {
    const bytes = gzipSync(`Filename: pool/a\nSHA256: ${'a'.repeat(64)}\n`)
    const { document } = await documents.parse(parser, bytes)
    expect(findPackage(document.facts, 'pool/a')?.hex).toBe('a'.repeat(64))
    expect(inline).toBe(0)
  } finally {
    await documents.close()
  }
})
