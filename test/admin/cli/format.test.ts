import { expect, test } from 'vitest'
import { clientLine } from '../../../admin/cli/clients.ts'
import { formatBytes, formatEnd, formatSpan, plural } from '../../../admin/cli/format.ts'
import { builtIns } from '../../../node/built-ins.ts'

test.for([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [2 ** 20 - 1, '1.0 MiB'],
  [3.4 * 2 ** 20, '3.4 MiB'],
  [2 ** 40, '1.0 TiB'],
  [2 ** 60, '1024.0 PiB'],
] as const)('%d bytes read %s', ([bytes, text]) => {
  expect(formatBytes(bytes)).toBe(text)
})

test.for([
  [-5, '0 s'],
  [999, '0 s'],
  [59_999, '59 s'],
  [60_000, '1 min'],
  [61_000, '1 min 1 s'],
  [7_380_000, '2 h 3 min'],
  [90_000_000, '1 d 1 h'],
] as const)('%d ms read %s', ([ms, text]) => {
  expect(formatSpan(ms)).toBe(text)
})

test('an end is told to the minute when it is near, before and after', () => {
  const end = Date.UTC(2027, 0, 31, 9, 5)
  const hour = 3_600_000
  expect([-47, 47].map((hours) => formatEnd(end, end + hours * hour))).toEqual(Array(2).fill('2027-01-31 09:05 UTC'))
  expect([-49, 49].map((hours) => formatEnd(end, end + hours * hour))).toEqual(Array(2).fill('2027-01-31'))
})

test('one is singular', () => {
  expect([plural(0, 'blob'), plural(1, 'blob'), plural(2, 'blob')]).toEqual(['0 blobs', '1 blob', '2 blobs'])
})

test('every built-in protocol has a short line for its usual client, which names the mirror or what shows more', () => {
  const lineFor = (of: Parameters<typeof clientLine>[0], url: string) => clientLine(of, { url, warren: 'warren' })
  for (const mirror of builtIns) {
    const line = lineFor(mirror, 'http://127.0.0.1:1/x/')
    expect(line).toMatch(/127\.0\.0\.1:1\/|^warren setup (?:cargo|maven)$/)
    expect(line.length).toBeLessThan(70)
  }
  expect(lineFor({ protocol: 'npm' }, 'http://127.0.0.1:7470/npm/')).toBe('npm config set registry http://127.0.0.1:7470/npm/')
  const images = 'http://127.0.0.1:7470/v2/'
  expect(lineFor({ protocol: 'oci', registry: 'quay.io' }, images)).toBe('docker pull 127.0.0.1:7470/quay.io/…')
  for (const registry of ['*', 'registry.example.test:5000']) {
    expect(lineFor({ protocol: 'oci', registry }, images)).toBe('')
  }
  expect(lineFor({ protocol: 'gopher' }, 'http://127.0.0.1:1/')).toBe('')
})
