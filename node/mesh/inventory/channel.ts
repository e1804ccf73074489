/** A way to one member, for one message at a time in each direction. */
export interface Channel {
  /** Rejects when the other side has gone, or is not allowed any more. */
  send(bytes: Uint8Array, signal: AbortSignal): Promise<void>
  /** The next message; rejects when there will be none. */
  receive(signal: AbortSignal): Promise<Uint8Array>
  /** Ends it. Idempotent. */
  close(): void
}
