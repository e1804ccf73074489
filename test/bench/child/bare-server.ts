import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { identityCertificate } from '../../../node/mesh/blobs/identity-certificate.ts'
import { generateKey } from '../../../node/trust/keys.ts'

/** A program of its own: `node:https` that sends the files of a folder, and nothing else. Argument: the folder. */

const [folder = ''] = process.argv.slice(2)

const server = createServer(
  { ...(await identityCertificate(generateKey())), minVersion: 'TLSv1.3', noDelay: true },
  (request, response) => {
    const file = join(folder, request.url ?? '')
    const { size } = statSync(file)
    response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': size })
    createReadStream(file, { highWaterMark: Math.min(size, 1 << 20) }).pipe(response)
  },
)
server.listen(0, '127.0.0.1', () => process.send?.({ url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` }))
process.once('disconnect', () => process.exit())
process.once('SIGTERM', () => process.exit())
