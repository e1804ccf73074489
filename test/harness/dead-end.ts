/** Refuses connections at once: only root may listen on this port (tcpmux, RFC 1078), and nothing does. */
export const DEAD_END = '127.0.0.1:1'

/** Environment of a program of Go that must not leave this machine, whatever it is told: loopback needs no proxy. */
export const NOTHING_OUTSIDE = { HTTP_PROXY: `http://${DEAD_END}`, HTTPS_PROXY: `http://${DEAD_END}` }
