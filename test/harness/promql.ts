/** A metric that an expression reads. */
interface Selector {
  readonly name: string
  readonly matchers: readonly { readonly label: string; readonly operator: string; readonly value: string }[]
}

/** What is seen of an expression. */
interface Expression {
  readonly selectors: readonly Selector[]
  /** Labels by which something is grouped or joined. */
  readonly labels: readonly string[]
}

type Kind = 'scalar' | 'vector' | 'range' | 'string'

/** Kinds of arguments, and of what comes out. */
const FUNCTIONS: Readonly<Record<string, readonly [args: readonly Kind[], result: Kind]>> = {
  rate: [['range'], 'vector'],
  increase: [['range'], 'vector'],
  changes: [['range'], 'vector'],
  predict_linear: [['range', 'scalar'], 'vector'],
  histogram_quantile: [['scalar', 'vector'], 'vector'],
  abs: [['vector'], 'vector'],
  time: [[], 'scalar'],
  vector: [['scalar'], 'vector'],
}

const AGGREGATIONS = new Set(['sum', 'min', 'max', 'avg', 'count'])

/** From what binds least to what binds most. */
const OPERATORS = [['or'], ['and', 'unless'], ['==', '!=', '<=', '>=', '<', '>'], ['+', '-'], ['*', '/', '%']] as const

const TOKEN =
  /\s*(?:(?<duration>\d+[smhdwy])|(?<number>\d+(?:\.\d+)?)|(?<word>[a-zA-Z_:$][\w:]*)|(?<text>"(?:[^"\\]|\\.)*")|(?<sign>==|!=|<=|>=|=~|!~|[-+*/%<>=(){}[\],]))/y

/**
 * Reads an expression of PromQL, as much of the language as dashboards and alerts here use. Throws on what is no expression: a bracket
 * that is not closed, a function that there is not, a range where an instant belongs.
 */
export function parsePromql(text: string): Expression {
  const reader = new Reader(text)
  const kind = reader.binary(0)
  reader.end()
  if (kind !== 'vector' && kind !== 'scalar') throw new Error(`${text} gives a ${kind}`)
  return reader
}

interface Token {
  readonly kind: string
  readonly text: string
}

class Reader implements Expression {
  readonly selectors: Selector[] = []
  readonly labels: string[] = []
  readonly #tokens: Token[] = []
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
    TOKEN.lastIndex = 0
    while (TOKEN.lastIndex < text.trimEnd().length) {
      const at = TOKEN.lastIndex
      const groups = Object.entries(TOKEN.exec(text)?.groups ?? {})
      const [kind, token] = groups.find(([, value]) => value !== undefined) ?? []
      if (kind === undefined || token === undefined) throw new Error(`${text}: what is «${text.slice(at, at + 20)}»?`)
      this.#tokens.push({ kind, text: token })
    }
  }

  end(): void {
    if (this.#at < this.#tokens.length) throw this.#wrong('the end')
  }

  binary(level: number): Kind {
    const operators: readonly string[] | undefined = OPERATORS[level]
    if (!operators) return this.#unary()
    let left = this.binary(level + 1)
    while (operators.includes(this.#next?.text ?? '')) {
      const isSet = level < 2
      this.#at++
      if (this.#take('on') || this.#take('ignoring')) this.#names()
      const right = this.binary(level + 1)
      for (const kind of [left, right])
        if (kind !== 'vector' && (isSet || kind !== 'scalar')) throw this.#wrong(`no ${kind} beside an operator`)
      left = left === 'vector' || right === 'vector' ? 'vector' : 'scalar'
    }
    return left
  }

  #unary(): Kind {
    this.#take('-')
    const kind = this.#primary()
    if (!this.#take('[')) return kind
    if (kind !== 'vector' || (this.#next?.kind !== 'duration' && this.#next?.text !== '$__rate_interval'))
      throw this.#wrong('a range of a metric')
    this.#at++
    this.#must(']')
    return 'range'
  }

  #primary(): Kind {
    const token = this.#next
    if (!token) throw this.#wrong('more')
    this.#at++
    if (token.kind === 'number') return 'scalar'
    if (token.text === '(') {
      const kind = this.binary(0)
      this.#must(')')
      return kind
    }
    if (token.kind !== 'word') throw this.#wrong('something with a value')
    if (AGGREGATIONS.has(token.text)) return this.#aggregation()
    if (this.#next?.text === '(') return this.#call(token.text)
    this.selectors.push({ name: token.text, matchers: this.#take('{') ? this.#matchers() : [] })
    return 'vector'
  }

  #aggregation(): Kind {
    if (this.#take('by') || this.#take('without')) this.#names()
    this.#must('(')
    if (this.binary(0) !== 'vector') throw this.#wrong('series to put together')
    this.#must(')')
    return 'vector'
  }

  #call(name: string): Kind {
    const known = FUNCTIONS[name]
    if (!known) throw this.#wrong(`a function that there is, not ${name}`)
    const [kinds, result] = known
    this.#must('(')
    for (const [at, kind] of kinds.entries()) {
      if (at > 0) this.#must(',')
      const given = this.binary(0)
      if (given !== kind) throw this.#wrong(`a ${kind} for ${name}, not a ${given}`)
    }
    this.#must(')')
    return result
  }

  #matchers(): Selector['matchers'] {
    const matchers: { label: string; operator: string; value: string }[] = []
    while (!this.#take('}')) {
      if (matchers.length > 0) this.#must(',')
      const [label, operator, value] = this.#tokens.slice(this.#at, this.#at + 3)
      if (label?.kind !== 'word' || !/^[!=]~$|^!?=$/.test(operator?.text ?? '') || value?.kind !== 'text')
        throw this.#wrong('a matcher')
      matchers.push({ label: label.text, operator: operator?.text ?? '', value: JSON.parse(value.text) as string })
      this.#at += 3
    }
    return matchers
  }

  #names(): void {
    this.#must('(')
    for (let first = true; !this.#take(')'); first = false) {
      if (!first) this.#must(',')
      if (this.#next?.kind !== 'word') throw this.#wrong('a label')
      this.labels.push(this.#next.text)
      this.#at++
    }
  }

  get #next(): Token | undefined {
    return this.#tokens[this.#at]
  }

  #take(text: string): boolean {
    const is = this.#next?.text === text
    if (is) this.#at++
    return is
  }

  #must(text: string): void {
    if (!this.#take(text)) throw this.#wrong(`«${text}»`)
  }

  #wrong(wanted: string): Error {
    const before = this.#tokens.slice(0, this.#at).map((token) => token.text)
    return new Error(`${this.#text}: behind «${before.join(' ').slice(-60)}» there should be ${wanted}`)
  }
}
