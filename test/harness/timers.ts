import { type AsyncHook, createHook } from 'node:async_hooks'

/** Frames of a timer's origin that say nothing: Node itself, the clock, and what this harness waits with. */
const NOT_AN_ORIGIN = /\bnode:|\/harness\/(?:timers|leaks|clock|wait)\.ts|\/node\/clock\.ts/
/** The test runner times tests and hooks, and batches its reports. */
const RUNNER = /\/node_modules\/(?:vitest|@vitest|tinypool|birpc)\//

interface Timer {
  readonly resource: { hasRef?: () => boolean }
  /** Its stack is formatted only when somebody asks. */
  readonly made: Error
}

/**
 * Watches timers that are made from now on. Counting active ones is not enough: the runner's own come and go, and hide or
 * feign a leak.
 */
export class TimerWatch {
  readonly #timers = new Map<number, Timer>()
  readonly #hook: AsyncHook

  constructor() {
    this.#hook = createHook({
      trackPromises: false,
      init: (id, type, _trigger, resource) => {
        if (type === 'Timeout') this.#timers.set(id, { resource, made: new Error('made here') })
      },
      destroy: (id) => {
        this.#timers.delete(id)
      },
    }).enable()
  }

  /** The line of code that made each timer that still runs and keeps the process alive. */
  running(): string[] {
    return [...this.#timers.values()]
      .filter(({ resource }) => resource.hasRef?.() !== false)
      .map(({ made }) => originOf(made))
      .filter((origin) => !RUNNER.test(origin))
  }

  end(): void {
    this.#hook.disable()
    this.#timers.clear()
  }
}

function originOf(made: Error): string {
  const frames = (made.stack ?? '').split('\n').slice(1)
  return (frames.find((frame) => !NOT_AN_ORIGIN.test(frame)) ?? 'an unknown place').trim().replace(/^at /, '')
}
