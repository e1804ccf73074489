import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdirSync, openSync, watch, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openDescriptors } from './descriptors.ts'
import { LeakCheck, useLeakCheck } from './leaks.ts'
import { leftOverFolders, TempFolders, useTempFolders } from './temp.ts'

// The checks that these tests make on purpose must leave nothing themselves.
useLeakCheck()
const temp = useTempFolders()

/** Ms that a check waits here: the leaks of these tests stay, so waiting for them to close only costs time. */
const SHORT = 50

const checks: LeakCheck[] = []

afterEach(() => {
  for (const check of checks.splice(0)) check.end()
})

async function begin(): Promise<LeakCheck> {
  const check = await LeakCheck.begin()
  checks.push(check)
  return check
}

async function listening() {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

test('nothing is found where nothing was left', async () => {
  const check = await begin()
  const server = await listening()
  server.close()
  await once(server, 'close')
  expect(await check.leaks()).toEqual([])
})

test('a server that still listens is found, and named with its port where the system tells', async () => {
  const check = await begin()
  const server = await listening()
  const { port } = server.address() as AddressInfo
  const found = await check.leaks(SHORT)
  expect(found).toContain('1 × TCPServerWrap')
  if (openDescriptors().size > 0) expect(found.join('\n')).toContain(`server on port ${port}`)
  await expect(check.verify(SHORT)).rejects.toThrow(/left open:\n {2}1 × TCPServerWrap/)
  server.close()
  await once(server, 'close')
  await check.verify()
})

test('an open socket is found', async () => {
  const server = await listening()
  const check = await begin()
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  expect((await check.leaks(SHORT)).join('\n')).toMatch(/× TCPSocketWrap/)
  socket.destroy()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  await check.verify()
})

/** A timer is named by the line that made it. */
const HERE = /^timer made by .*leaks\.test\.ts:\d+/

test('a timer that does not keep the process alive is no leak, and one that ran out neither', async () => {
  const check = await begin()
  const idle = setTimeout(() => {}, 60_000).unref()
  await new Promise<void>((resolve) => setTimeout(resolve, 1))
  expect(await check.leaks()).toEqual([])
  clearTimeout(idle)
})

test('a timer, an interval and a watcher are found', async () => {
  const folder = temp.create()
  const check = await begin()
  const timer = setTimeout(() => {}, 60_000)
  const interval = setInterval(() => {}, 60_000)
  const watcher = watch(folder)
  const found = await check.leaks(SHORT)
  expect(found).toEqual(['1 × FSEventWrap', expect.stringMatching(HERE), expect.stringMatching(HERE)])
  clearTimeout(timer)
  clearInterval(interval)
  watcher.close()
  await check.verify()
})

test('a child process is found', async () => {
  const check = await begin()
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  expect(await check.leaks(SHORT)).toContain('1 × ProcessWrap')
  child.kill('SIGKILL')
  await once(child, 'exit')
  await check.verify()
})

test.runIf(openDescriptors().size > 0)('an open file is found and named', async () => {
  const file = join(temp.create(), 'blob')
  writeFileSync(file, 'x')
  const check = await begin()
  const descriptor = openSync(file, 'r')
  expect((await check.leaks(SHORT)).join('\n')).toContain(file)
  closeSync(descriptor)
  await check.verify()
})

test('a temporary folder that nobody removed is found', async () => {
  const check = await begin()
  const folders = new TempFolders()
  folders.create('forgotten')
  expect((await check.leaks(SHORT)).join('\n')).toMatch(/temporary folder warren-test-\d+-forgotten-/)
  await folders.removeAll()
  await check.verify()
})

test('what is closing is waited for', async () => {
  const check = await begin()
  const server = await listening()
  setTimeout(() => server.close(), 100)
  await check.verify()
})

test('temporary folders are removed with all that is in them', async () => {
  const folders = new TempFolders()
  const before = leftOverFolders().length
  mkdirSync(join(folders.create('a'), 'b', 'c'), { recursive: true })
  writeFileSync(join(folders.nested('d', 'e'), 'f'), 'x')
  writeFileSync(folders.path('g'), 'x')
  expect(leftOverFolders().length).toBe(before + 3)
  await folders.removeAll()
  expect(leftOverFolders().length).toBe(before)
})
