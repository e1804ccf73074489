/** Makes libp2p nodes, all of which dial one address at once when a line comes in, and prints how many connected. Arguments: how many, a multiaddr. */
import { once } from 'node:events'
import { multiaddr } from '@multiformats/multiaddr'
import { plainNode } from '../plain-node.ts'

const [count, address = ''] = process.argv.slice(2)
let uncaught = 0
process.on('uncaughtException', () => uncaught++)

const nodes = await Promise.all(Array.from({ length: Number(count) }, () => plainNode()))
console.log('ready')
await once(process.stdin, 'data')
const dials = await Promise.allSettled(nodes.map((node) => node.dial(multiaddr(address))))
const failures = dials.flatMap((dial) => (dial.status === 'rejected' ? [String(dial.reason)] : []))
console.log(JSON.stringify({ connected: dials.length - failures.length, failures, uncaught }))
process.stdin.pause()
await Promise.all(nodes.map((node) => node.stop()))
