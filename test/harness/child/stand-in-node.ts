// Stands in for the command line in tests of the harness: does with its arguments what a node would show to the outside.
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    data: { type: 'string' },
    listen: { type: 'string' },
    config: { type: 'string' },
    behave: { type: 'string', default: 'well' },
  },
})
console.log(`${positionals.join(' ')} --listen ${values.listen} in ${process.env.WARREN_TEST_MOOD ?? 'no'} mood`)
if (values.behave === 'die') {
  console.error('the data folder is in use')
  process.exit(3)
}
const server = createServer((_, response) => response.end(values.config))
server.listen(0, '127.0.0.1', () => {
  if (values.behave === 'silent') return
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  writeFileSync(join(values.data ?? '', 'node.json'), JSON.stringify({ pid: process.pid, listen: [url], admin: url }))
})
process.on('SIGTERM', () => process.exit(0))
