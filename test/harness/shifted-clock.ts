import { type Clock, systemClock } from '../../node/clock.ts'

/** The system's time, moved by hand: what sleeps goes on at its own pace. */
export class ShiftedClock implements Clock {
  /** Ms ahead of the system's time. */
  shift = 0
  readonly sleep = systemClock.sleep

  now(): number {
    return systemClock.now() + this.shift
  }
}
