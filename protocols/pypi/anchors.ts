import { isUtf8 } from 'node:buffer'
import { type Token, Tokenizer, TokenizerMode } from 'parse5'

/** A value of an attribute: bytes [start, end) of the page, and what they mean. */
interface AttributeValue {
  readonly start: number
  readonly end: number
  /** `"`, `'`, or empty where the value stands without. */
  readonly quote: string
  readonly text: string
}

export interface Anchor {
  /** Where its start tag begins, and where its end tag ends. */
  readonly start: number
  readonly end: number
  readonly href: AttributeValue
  /** All of its attributes by their names in small letters. */
  readonly attributes: ReadonlyMap<string, string>
  readonly text: string
}

export interface HtmlPage {
  readonly anchors: readonly Anchor[]
  /** The first `<base href>` (HTML «The base element»). */
  readonly base: string | undefined
  /** Contents of `<meta name="…">` by name (PEP 629). */
  readonly metas: ReadonlyMap<string, string>
  /** Text of the title and of the first heading. */
  readonly titles: readonly string[]
}

/** Anchors kept of one page, to bound memory. No project has half as many files. */
const MAX_ANCHORS = 100_000
/** Characters of a text that are kept. */
const MAX_TEXT = 1024

/**
 * Bytes of one tag. The largest ones of an index have a digest, a URL with a signature and the reason of a yank. The tokenizer
 * keeps all attributes of a tag until it ends, and looks each up among those before.
 */
const MAX_TAG = 64 << 10

/** Throws amid a tag that is too large, before all of its attributes are read. */
class BoundedTokenizer extends Tokenizer {
  protected override _createAttr(first: string): void {
    const { currentToken } = this
    const start = currentToken?.location?.startOffset ?? 0
    if (this.preprocessor.offset - start > MAX_TAG) throw new Error(`a tag of more than ${MAX_TAG} bytes`)
    super._createAttr(first)
  }
}

/** What stands in these is no markup (HTML «Parsing»); a tree builder would tell the tokenizer so. */
const MODES = new Map<string, (typeof TokenizerMode)[keyof typeof TokenizerMode]>([
  ['title', TokenizerMode.RCDATA],
  ['textarea', TokenizerMode.RCDATA],
  ['script', TokenizerMode.SCRIPT_DATA],
  ...['style', 'xmp', 'iframe', 'noembed', 'noframes'].map((name) => [name, TokenizerMode.RAWTEXT] as const),
])

/**
 * Reads the tags of a page without building a tree of it, so that depth and size of a hostile one cost nothing. One character is
 * read for each byte: then the places that the tokenizer tells are places in the bytes.
 */
export function readHtml(bytes: Buffer): HtmlPage {
  const reader = new Reader(bytes.toString('latin1'))
  return reader.read()
}

interface OpenAnchor extends Omit<Anchor, 'end' | 'text'> {
  text: string
}

class Reader {
  readonly #html: string
  readonly #anchors: Anchor[] = []
  readonly #metas = new Map<string, string>()
  readonly #titles = new Map<string, string>()
  readonly #tokenizer: BoundedTokenizer
  #base: string | undefined
  #open: OpenAnchor | undefined
  /** The name of the title or heading whose text is being read. */
  #heading: string | undefined

  constructor(html: string) {
    this.#html = html
    const onText = ({ chars }: Token.CharacterToken) => this.#onText(chars)
    const ignore = () => {}
    this.#tokenizer = new BoundedTokenizer(
      { sourceCodeLocationInfo: true },
      {
        onStartTag: (tag) => this.#onStart(tag),
        onEndTag: (tag) => this.#onEnd(tag),
        onCharacter: onText,
        onWhitespaceCharacter: onText,
        onNullCharacter: ignore,
        onComment: ignore,
        onDoctype: ignore,
        onEof: ignore,
      },
    )
  }

  read(): HtmlPage {
    this.#tokenizer.write(this.#html, true)
    this.#close(this.#html.length)
    return { anchors: this.#anchors, base: this.#base, metas: this.#metas, titles: [...this.#titles.values()].map(textOf) }
  }

  #onStart(tag: Token.TagToken): void {
    const { tagName } = tag
    const mode = MODES.get(tagName)
    if (mode !== undefined) this.#tokenizer.state = mode
    if ((tagName === 'title' || tagName === 'h1') && !this.#titles.has(tagName)) {
      this.#heading = tagName
      this.#titles.set(tagName, '')
    } else if (tagName === 'base') this.#base ??= attributeOf(tag, 'href')
    else if (tagName === 'meta') this.#metas.set(attributeOf(tag, 'name') ?? '', attributeOf(tag, 'content') ?? '')
    else if (tagName === 'a') this.#onAnchor(tag)
  }

  #onAnchor(tag: Token.TagToken): void {
    // An anchor cannot be in another one: it ends where the next one begins.
    this.#close(tag.location?.startOffset ?? 0)
    const href = this.#valueOf(tag, 'href')
    if (!href || !tag.location) return
    if (this.#anchors.length >= MAX_ANCHORS) throw new Error(`more than ${MAX_ANCHORS} links in one page`)
    const attributes = new Map(tag.attrs.map(({ name, value }) => [name, textOf(value)]))
    this.#open = { start: tag.location.startOffset, href, attributes, text: '' }
  }

  #onEnd({ tagName, location }: Token.TagToken): void {
    if (tagName === 'a') this.#close(location?.endOffset ?? 0)
    if (tagName === this.#heading) this.#heading = undefined
  }

  #onText(text: string): void {
    if (this.#open && this.#open.text.length < MAX_TEXT) this.#open.text += text
    if (this.#heading === undefined) return
    const title = this.#titles.get(this.#heading) ?? ''
    if (title.length < MAX_TEXT) this.#titles.set(this.#heading, title + text)
  }

  #close(end: number): void {
    if (this.#open) this.#anchors.push({ ...this.#open, end, text: textOf(this.#open.text).trim() })
    this.#open = undefined
  }

  #valueOf(tag: Token.TagToken, name: string): AttributeValue | undefined {
    const value = attributeOf(tag, name)
    const place = tag.location?.attrs?.[name]
    if (value === undefined || !place) return undefined
    const { startOffset, endOffset } = place
    const [before = '', quote = ''] = /^[^=]+=[\t\n\f\r ]*(["']?)/.exec(this.#html.slice(startOffset, endOffset)) ?? []
    if (before === '') return undefined
    return { start: startOffset + before.length, end: endOffset - quote.length, quote, text: value }
  }
}

function attributeOf({ attrs }: Token.TagToken, name: string): string | undefined {
  const found = attrs.find((attribute) => attribute.name === name)?.value
  return found === undefined ? undefined : textOf(found)
}

/** The text that characters stand for which are bytes of UTF-8; of others, and of references like `&#8212;`, the characters themselves. */
function textOf(characters: string): string {
  if (!/[\x80-\xff]/.test(characters) || /[^\0-\xff]/.test(characters)) return characters
  const bytes = Buffer.from(characters, 'latin1')
  return isUtf8(bytes) ? bytes.toString('utf8') : characters
}
