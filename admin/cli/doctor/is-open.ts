import { connect } from 'node:net'
import { isWildcard, type TcpAddress } from '../../../node/tcp-address.ts'

/** Ms that a connection on this machine may take. */
const LIMIT = 2_000

/** Whether something listens there. */
export function isOpen({ host, port }: TcpAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: isWildcard({ host }) ? '127.0.0.1' : host })
    const end = (open: boolean) => {
      socket.destroy()
      resolve(open)
    }
    socket.setTimeout(LIMIT, () => end(false))
    socket.once('connect', () => end(true))
    socket.once('error', () => end(false))
  })
}
