/** Text documents may name the origin that they were recorded from; archives and other binaries are never touched. */
const TEXT = /^(?:text\/|application\/(?:[\w.-]+\+)?(?:json|xml|xhtml)\b)/i

export function isText(contentType: string | undefined): boolean {
  return contentType !== undefined && TEXT.test(contentType)
}

/**
 * Puts `to` where the bytes name one of `origins`, plainly or with JSON's escaped slashes, with http or https. Works on bytes:
 * a document's encoding, key order and white space stay as they were.
 */
export function rewriteOrigins(bytes: Buffer, origins: readonly string[], to: string): Buffer {
  let text: string | undefined
  for (const origin of origins) {
    const { host } = new URL(origin)
    for (const scheme of ['https', 'http']) {
      for (const slashes of ['//', '\\/\\/']) {
        const from = `${scheme}:${slashes}${host}`
        if (text === undefined && !bytes.includes(from)) continue
        // latin1 maps every byte to one character and back, so nothing but the origin changes.
        text ??= bytes.toString('latin1')
        text = replaceOrigin(text, from, slashes === '//' ? to : to.replaceAll('/', '\\/'))
      }
    }
  }
  return text === undefined ? bytes : Buffer.from(text, 'latin1')
}

/** Replaces `from` only where the host ends there: `http://a.test` must not match inside `http://a.test.evil` or `http://a.test:81`. */
function replaceOrigin(text: string, from: string, to: string): string {
  let result = ''
  let kept = 0
  for (let at = text.indexOf(from); at >= 0; at = text.indexOf(from, at + from.length)) {
    if (/[\w.:-]/.test(text.charAt(at + from.length))) continue
    result += text.slice(kept, at) + to
    kept = at + from.length
  }
  return result + text.slice(kept)
}
