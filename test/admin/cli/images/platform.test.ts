import { expect, test } from 'vitest'
import { UsageError } from '../../../../admin/cli/exit-codes.ts'
import { choosePlatform, formatPlatform, ownPlatform, parsePlatform, runsOn } from '../../../../admin/cli/images/platform.ts'

test.for([
  ['linux/amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/amd64/v3', 'linux/amd64/v3'],
  ['Linux/ARM64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/aarch64/8', 'linux/arm64'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/armhf', 'linux/arm/v7'],
  ['linux/armel', 'linux/arm/v6'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['linux/i386', 'linux/386'],
  ['linux/ppc64le', 'linux/ppc64le'],
  ['windows/amd64', 'windows/amd64'],
] as const)('%s is %s', ([text, spelt]) => {
  expect(formatPlatform(parsePlatform(text))).toBe(spelt)
})

test.for(['', 'linux', 'linux/', '/amd64', 'linux//v8', 'linux/arm/', 'linux/arm/v7/x', 'linux amd64/x'])(
  '%j is no platform',
  (text) => {
    expect(() => parsePlatform(text)).toThrow(UsageError)
    expect(() => parsePlatform(text)).toThrow('is no platform; give os/architecture[/variant] such as linux/arm64')
  },
)

test.for([
  ['x64', {}, 'linux/amd64'],
  ['arm64', {}, 'linux/arm64'],
  ['arm', { arm_version: '6' }, 'linux/arm/v6'],
  ['arm', {}, 'linux/arm/v7'],
  ['ia32', {}, 'linux/386'],
  ['ppc64', {}, 'linux/ppc64le'],
  ['s390x', {}, 'linux/s390x'],
  ['riscv64', {}, 'linux/riscv64'],
] as const)('a machine with %s %j runs %s', ([arch, variables, spelt]) => {
  expect(formatPlatform(ownPlatform(arch, variables))).toBe(spelt)
})

test.for([
  ['linux/arm/v7', ['linux/arm/v5', 'linux/arm/v6', 'linux/arm/v7', 'linux/arm64'], 'linux/arm/v7'],
  ['linux/arm/v7', ['linux/arm/v6', 'linux/arm/v5'], 'linux/arm/v6'],
  ['linux/arm/v6', ['linux/arm/v7', 'linux/arm/v5'], 'linux/arm/v5'],
  ['linux/arm/v6', ['linux/arm/v7'], undefined],
  ['linux/arm64', ['linux/amd64', 'linux/arm64/v8'], 'linux/arm64'],
  ['linux/arm64', ['linux/arm/v7'], undefined],
  ['linux/arm64', ['linux/arm64/v9'], undefined],
  ['linux/arm64/v9.2', ['linux/arm64', 'linux/arm64/v9', 'linux/arm64/v9.5'], 'linux/arm64/v9'],
  ['linux/amd64', ['linux/amd64/v3', 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64/v4', ['linux/amd64', 'linux/amd64/v3'], 'linux/amd64/v3'],
  ['linux/amd64', ['windows/amd64'], undefined],
  ['linux/mips64le/softfloat', ['linux/mips64le', 'linux/mips64le/softfloat'], 'linux/mips64le/softfloat'],
] as const)('for %s out of %j it takes %s', ([wanted, offers, chosen]) => {
  const listed = offers.map((text) => ({ platform: parsePlatform(text) }))
  const found = choosePlatform(listed, parsePlatform(wanted))
  expect(found && formatPlatform(found.platform)).toBe(chosen)
})

test('of two images for one platform the first is taken', () => {
  const platform = parsePlatform('linux/amd64')
  expect(
    choosePlatform(
      [
        { platform, at: 0 },
        { platform, at: 1 },
      ],
      platform,
    ),
  ).toMatchObject({ at: 0 })
})

test('a machine does not run what a newer one does', () => {
  const [old, young] = [parsePlatform('linux/arm/v6'), parsePlatform('linux/arm/v7')]
  expect([runsOn(old, young), runsOn(young, old)]).toEqual([true, false])
})
