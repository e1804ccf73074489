import { multiaddrConnectionPair } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { livelyYamux } from '../../../../node/mesh/host/lively-yamux.ts'
import { VirtualClock } from '../../../harness/clock.ts'
import { useLeakCheck } from '../../../harness/leaks.ts'
import { Members } from '../../../harness/members.ts'
import { useTempFolders } from '../../../harness/temp.ts'
import { eventually } from '../../../harness/wait.ts'

useLeakCheck()
const temp = useTempFolders()

let members: Members | undefined
afterEach(() => members?.close())

const factory = livelyYamux({ interval: 20, patience: 100 })()

test('a connection is ended whose other side answers no ping', async () => {
  const [here, there] = multiaddrConnectionPair()
  onTestFinished(() => there.abort(new Error('over')))
  const muxer = factory.createStreamMuxer(here)
  expect(muxer.status).toBe('open')
  await eventually('it is given up', () => muxer.status !== 'open')
  expect(here.status).not.toBe('open')
})

test('one whose other side answers stays, until it stops answering', async () => {
  const [here, there] = multiaddrConnectionPair()
  const muxer = factory.createStreamMuxer(here)
  const other = yamux({ enableKeepAlive: false })().createStreamMuxer(there)
  let asked = 0
  const ping = muxer.ping.bind(muxer)
  muxer.ping = async (...given) => {
    const took = await ping(...given)
    asked++
    return took
  }
  await eventually('it was asked for longer than it may be silent', () => asked > 10)
  expect([muxer.status, other.status]).toEqual(['open', 'open'])
  there.abort(new Error('over'))
  await eventually('it is given up', () => muxer.status !== 'open')
})

test('members know how long an answer of each other takes', async () => {
  const clock = new VirtualClock(Date.now())
  members = new Members(temp)
  const seed = await members.open({ clock })
  await members.join()
  await eventually('it is known', async () => {
    await clock.advance(10_000)
    return (seed.mesh.peers()[0]?.latency ?? -1) >= 0
  })
})
