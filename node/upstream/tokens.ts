import { LRUCache } from 'lru-cache'
import type { Clock } from '../clock.ts'
import { abortable } from './abortable.ts'
import { TOKEN_ENTRIES, TOKEN_USE } from './constants.ts'
import type { TokenService, TokenWish } from './token-service.ts'

export interface TokensComponents {
  readonly clock: Clock
  readonly service: Pick<TokenService, 'ask'>
}

interface Kept {
  readonly token: string
  /** Ms since the epoch. */
  readonly from: number
  readonly until: number
}

/** The tokens for upstreams: each is asked for once, however many requests want it, and used for most of its life. */
export class Tokens {
  readonly #components: TokensComponents
  readonly #kept = new LRUCache<string, Kept>({ max: TOKEN_ENTRIES })
  readonly #asked = new Map<string, Promise<string>>()
  readonly #life = new AbortController()

  constructor(components: TokensComponents) {
    this.#components = components
  }

  /**
   * Rejects as the token service does, and when aborted, which does not concern others who want the same.
   *
   * @param refused A token that upstream has just refused: another one is wanted.
   * @returns Whether the token was given after it was asked for here, so that another one would be no better.
   */
  async get(wish: TokenWish, refused: string | undefined, signal: AbortSignal): Promise<{ token: string; isNew: boolean }> {
    const key = keyOf(wish)
    const kept = this.#kept.get(key)
    if (kept && kept.token !== refused && this.#isGood(kept)) return { token: kept.token, isNew: false }
    const asked = this.#asked.get(key) ?? this.#ask(key, wish)
    return { token: await abortable(asked, signal), isNew: true }
  }

  close(reason: unknown): void {
    this.#life.abort(reason)
  }

  #ask(key: string, wish: TokenWish): Promise<string> {
    const { clock, service } = this.#components
    this.#kept.delete(key)
    // Its life is counted from here by the own clock: that of the service may be another.
    const from = clock.now()
    const asked = service
      .ask(wish, this.#life.signal)
      .then(({ token, life }) => {
        this.#kept.set(key, { token, from, until: from + life * 1000 * TOKEN_USE })
        return token
      })
      .finally(() => this.#asked.delete(key))
    // Whoever wanted it may have left.
    asked.catch(() => {})
    this.#asked.set(key, asked)
    return asked
  }

  /** A clock that was set back must not prolong a life. */
  #isGood({ from, until }: Kept): boolean {
    const now = this.#components.clock.now()
    return now >= from && now < until
  }
}

/** The upstream is part of it: a token that one got, with credentials or not, is no business of another that names its realm. */
function keyOf({ base, realm, service, scope, entry }: TokenWish): string {
  return JSON.stringify([base.origin, realm.href, service, scope, entry !== undefined])
}
