import { expect, test } from 'vitest'
import { javaHome, javaProperty } from '../../../../admin/cli/doctor/clients/java-home.ts'
import type { Machine } from '../../../../admin/cli/doctor/scene.ts'
import { clientNamed } from '../../../../admin/cli/setup/clients.ts'

function machine(env: Machine['env'], accountHome?: string): Machine {
  return { env, home: '/home/ci', accountHome, folder: '/work', root: '/', user: 0, has: () => false }
}

test.for([
  ['that of the account', machine({}, '/root'), '/root'],
  ['HOME, where the account has none', machine({}), '/home/ci'],
  ['HOME, where the account has the root', machine({}, '/'), '/home/ci'],
  ['what options say', machine({ X_OPTS: '-Xmx1g -Duser.home=/opt/a' }, '/root'), '/opt/a'],
  ['the last one of them', machine({ X_OPTS: '-Duser.home=/opt/a "-Duser.home=/opt/b c"' }, '/root'), '/opt/b c'],
  ['none, where that is relative', machine({ X_OPTS: '-Duser.home=a' }, '/root'), undefined],
  ['no part of another option', machine({ X_OPTS: '-Da=-Duser.home=/x -Duser.homes=/y' }, '/root'), '/root'],
] as const)('the home folder of Java is %s', ([, here, home]) => {
  expect(javaHome(here, ['X_OPTS'])).toBe(home)
})

test('options of a program stand above those of all, and below those that nothing stands above', () => {
  const all = { JAVA_TOOL_OPTIONS: '-Da=1', JDK_JAVA_OPTIONS: '-Da=2', X_OPTS: '-Da=3', _JAVA_OPTIONS: '-Da=4' }
  const names = Object.keys(all)
  const said = names.map((_, at) =>
    javaProperty(machine(Object.fromEntries(Object.entries(all).slice(0, at + 1))), ['X_OPTS'], 'a'),
  )
  expect(said).toEqual(['1', '2', '3', '4'])
})

test.for([
  ['gradle', { GRADLE_USER_HOME: '/g', GRADLE_OPTS: '-Dgradle.user.home=/o' }, '/o/init.d/warren.gradle'],
  ['gradle', { GRADLE_USER_HOME: 'g' }, '/work/g/init.d/warren.gradle'],
  ['gradle', {}, '/root/.gradle/init.d/warren.gradle'],
  ['maven', { MAVEN_OPTS: '-Duser.home=/m' }, '/m/.m2/settings.xml'],
  ['sbt', { SBT_OPTS: '-Dsbt.global.base=/s' }, '/s/repositories'],
  ['sbt', { SBT_OPTS: '-Dsbt.repository.config=/s/list -Dsbt.global.base=/s' }, '/s/list'],
  ['coursier', { COURSIER_CONFIG_DIR: '/c' }, '/c/mirror.properties'],
  ['coursier', { COURSIER_MIRRORS: '/m.properties', COURSIER_CONFIG_DIR: '/c' }, '/m.properties'],
  ['coursier', { XDG_CONFIG_HOME: '/x' }, '/x/coursier/mirror.properties'],
] as const)('%s has its settings where it looks: %o', ([name, env, path]) => {
  expect(clientNamed(name).files(machine(env, '/root'), [])).toEqual([path])
})
