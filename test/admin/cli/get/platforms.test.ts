import { expect, test } from 'vitest'
import { isForPlatforms, machinePlatform } from '../../../../admin/cli/get/scope.ts'
import { parsePythonFile, wheelRunsOn } from '../../../../admin/cli/get/wheel.ts'
import { parsePlatform } from '../../../../admin/cli/images/platform.ts'

test.for([
  ['foo_bar-1.0-py3-none-any.whl', { version: '1.0', platforms: ['any'] }],
  [
    'foo_bar-1.0-1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl',
    { version: '1.0', platforms: ['manylinux_2_17_x86_64', 'manylinux2014_x86_64'] },
  ],
  ['foo-bar-1.0.post1.tar.gz', { version: '1.0.post1', platforms: undefined }],
  ['Foo.Bar-2.0b1.zip', { version: '2.0b1', platforms: undefined }],
  ['foo_bar-1.0.exe', undefined],
  ['other-1.0.tar.gz', undefined],
  ['foo_bar-1.0.whl', undefined],
] as const)('%s', ([name, file]) => {
  expect(parsePythonFile(name, 'foo-bar')).toEqual(file)
})

test.for([
  ['linux/amd64', ['any'], true],
  ['linux/amd64', ['manylinux1_x86_64'], true],
  ['linux/amd64', ['manylinux_2_28_aarch64'], false],
  ['linux/amd64', ['musllinux_1_2_x86_64'], true],
  ['linux/amd64', ['linux_x86_64'], true],
  ['linux/arm64', ['manylinux2014_aarch64'], true],
  ['linux/arm/v7', ['manylinux2014_armv7l'], true],
  ['linux/arm/v6', ['linux_armv6l'], true],
  ['linux/arm/v6', ['linux_armv7l'], false],
  ['linux/386', ['manylinux2014_i686'], true],
  ['darwin/arm64', ['macosx_11_0_arm64'], true],
  ['darwin/arm64', ['macosx_10_9_x86_64'], false],
  ['darwin/amd64', ['macosx_10_9_universal2'], true],
  ['windows/amd64', ['win_amd64'], true],
  ['windows/amd64', ['win32'], false],
  ['windows/386', ['win32'], true],
  ['linux/amd64', ['win_amd64'], false],
] as const)('on %s a wheel for %j runs: %s', ([platform, tags, runs]) => {
  expect(wheelRunsOn(tags, parsePlatform(platform))).toBe(runs)
})

test.for([
  ['linux/amd64', { os: ['linux'], cpu: ['x64'] }, true],
  ['linux/amd64', { os: ['darwin'] }, false],
  ['linux/amd64', { os: ['!linux'] }, false],
  ['windows/amd64', { os: ['win32'] }, true],
  ['linux/arm64', { cpu: ['x64', 'arm64'] }, true],
  ['linux/arm64', { cpu: ['!arm64'] }, false],
  ['linux/386', { cpu: ['ia32'] }, true],
  ['linux/386', { os: [], cpu: ['any'] }, true],
  ['linux/386', {}, true],
] as const)('on %s npm installs a package for %j: %s', ([platform, limits, installs]) => {
  const wanted = { type: 'npm', name: 'a', text: 'a', ...limits } as const
  expect(isForPlatforms(wanted, [parsePlatform(platform)])).toBe(installs)
  expect(isForPlatforms(wanted, 'all')).toBe(true)
})

test('a package for any one of several platforms is wanted', () => {
  const wanted = { type: 'npm', name: 'a', text: 'a', os: ['darwin'] } as const
  expect(isForPlatforms(wanted, ['linux/amd64', 'darwin/arm64'].map(parsePlatform))).toBe(true)
})

test('packages are for the system of the machine, while images run in a Linux everywhere', () => {
  expect(machinePlatform('darwin').os).toBe('darwin')
  expect(machinePlatform('win32').os).toBe('windows')
})
