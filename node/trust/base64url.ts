/** The bytes of a text in base64url without padding (RFC 4648 section 5); undefined unless it is the one spelling of them. */
export function fromBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

export function toBase64url(bytes: Uint8Array | string): string {
  return Buffer.from(bytes).toString('base64url')
}
