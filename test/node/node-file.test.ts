import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { useLeakCheck } from '../harness/leaks.ts'
import { startNode } from '../harness/start-node.ts'
import { useTempFolders } from '../harness/temp.ts'

useLeakCheck()
const folders = useTempFolders()
const upstream = 'http://127.0.0.1:1/'

/** A log, and the messages in it. */
function listening() {
  const messages: string[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => void messages.push(JSON.parse(line).msg) })
  return { log, messages }
}

test('a node.json that cannot be taken away keeps nothing else from being freed', async () => {
  const data = folders.create('data')
  const { log, messages } = listening()
  const { node, url } = await startNode({ data, upstream, overrides: { log } })
  rmSync(join(data, 'node.json'))
  mkdirSync(join(data, 'node.json/precious'), { recursive: true })
  await node.stop()
  expect(messages.at(-1)).toBe('stopped')
  expect(messages.at(-2)).toContain(`node.json stays in ${data}: `)
  await expect(fetch(url)).rejects.toThrow()
  // The store is free for the next one.
  rmSync(join(data, 'node.json'), { recursive: true })
  await startNode({ data, upstream })
})

test('a node that never started does not say that it stopped', async () => {
  const { url } = await startNode({ data: folders.create('data'), upstream })
  const { log, messages } = listening()
  const taken = [{ host: '127.0.0.1', port: Number(new URL(url).port) }]
  onTestFinished(() => expect(messages).toEqual([]))
  // Its stop is part of the end of the test, before that.
  const second = startNode({ data: folders.create('data'), upstream, config: { listen: taken }, overrides: { log } })
  await expect(second).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
})

test('a second node is told that the folder is in use, whatever node.json says', async () => {
  const data = folders.create('data')
  await startNode({ data, upstream })
  for (const text of ['{"pid":1}', 'null', '7', 'not JSON']) {
    writeFileSync(join(data, 'node.json'), text)
    await expect(startNode({ data, upstream })).rejects.toMatchObject({ code: 'STORE_LOCKED' })
  }
})
