import { expect, test } from 'vitest'
import { parseDuration, parseShare, parseSize } from '../../../node/config/units.ts'

test.for([
  ['500ms', 500],
  ['10s', 10_000],
  ['1.5h', 5_400_000],
  ['5m', 300_000],
  ['7d', 604_800_000],
  ['0', 0],
] as const)('the duration %s is %d ms', ([text, ms]) => {
  expect(parseDuration(text)).toBe(ms)
})

test.for(['', '10', '-1s', '10 s', '1e3s', 's', '10S', '1h30m', 'soon'])('%j is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined()
})

test.for([
  ['0', 0],
  ['1048576', 1_048_576],
  ['64MiB', 67_108_864],
  ['64 mib', 67_108_864],
  ['1.5KiB', 1536],
  ['1kB', 1000],
  ['5GB', 5e9],
  ['10B', 10],
] as const)('the size %s is %d bytes', ([text, bytes]) => {
  expect(parseSize(text)).toBe(bytes)
})

test.for(['', '64M', '-1', 'MiB', '1,5GiB', '0x10', '64MiBs'])('%j is no size', (text) => {
  expect(parseSize(text)).toBeUndefined()
})

test.for([
  ['10%', 0.1],
  ['0%', 0],
  ['100 %', 1],
  ['2.5%', 0.025],
] as const)('the share %s is %d', ([text, share]) => {
  expect(parseShare(text)).toBeCloseTo(share, 9)
})

test.for(['101%', '10', '-5%', '%'])('%j is no share', (text) => {
  expect(parseShare(text)).toBeUndefined()
})
