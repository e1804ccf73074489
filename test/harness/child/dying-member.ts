/**
 * A member that holds one blob and is killed amid its first answer. Arguments: a folder for its data, a ticket, the seed and the
 * length of the blob, how many bytes it sends. Prints its peer id once others can reach it.
 */
import { Members } from '../members.ts'
import { MemoryShelf } from '../memory-shelf.ts'
import { Random } from '../random.ts'

const [folder = '', ticket = '', seed, size, sends] = process.argv.slice(2)
const bytes = new Random(Number(seed)).bytes(Number(size))
const members = new Members({ create: () => folder }, { ticket: () => ticket })
const shelf = new MemoryShelf()
shelf.hold(bytes)
const member = await members.join({
  shelf,
  mesh: { dht: 'server' },
  answer: (_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length })
    response.write(bytes.subarray(0, Number(sends)), () => process.kill(process.pid, 'SIGKILL'))
  },
})
console.log(member.id)
