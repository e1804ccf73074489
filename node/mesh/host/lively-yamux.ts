import type { Connection, MessageStream } from '@libp2p/interface'
import { yamux } from '@libp2p/yamux'

type Muxer = ReturnType<ReturnType<ReturnType<typeof yamux>>['createStreamMuxer']>

/** What yamux says while no ping has been answered. */
const UNKNOWN = -1

/** Ms between two questions whether a member is still there, and in which it has to answer. */
export interface Liveness {
  readonly interval: number
  readonly patience: number
}

/**
 * Yamux that hangs up on members that do not answer any more, by its own pings (yamux specification, «Ping»). libp2p's monitor opens a stream
 * for each question, which costs both sides ten messages in place of two: of 25 members on one machine, a tenth of a core for nothing.
 * Yamux itself asks, too, but does nothing when no answer comes.
 */
export function livelyYamux(liveness: Liveness): ReturnType<typeof yamux> {
  return () => {
    const factory = yamux({ enableKeepAlive: false })()
    return {
      protocol: factory.protocol,
      createStreamMuxer: (connection) => {
        const muxer = factory.createStreamMuxer(connection)
        watch(connection, muxer, liveness)
        return muxer
      },
    }
  }
}

function watch(connection: MessageStream, muxer: Muxer, { interval, patience }: Liveness): void {
  const ask = () => {
    // What is under way is waited for: a question at a time.
    muxer.ping({ signal: AbortSignal.timeout(patience) }).catch((error: Error) => {
      muxer.abort(error)
      connection.abort(error)
    })
  }
  const timer = setInterval(ask, interval)
  timer.unref()
  connection.addEventListener('close', () => clearInterval(timer))
  // The first answer tells the round trip.
  ask()
}

/** Ms that the last answer took; undefined before the first. libp2p gives a connection's muxer to nobody, but that is where it is. */
export function roundTripOf(connection: Connection): number | undefined {
  const { muxer } = connection as Connection & { readonly muxer?: Pick<Muxer, 'getRTT'> }
  const ms = muxer?.getRTT() ?? UNKNOWN
  return ms === UNKNOWN ? undefined : ms
}
