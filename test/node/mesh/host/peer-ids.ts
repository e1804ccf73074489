const DIGITS = '123456789A'

/** A text that looks like the peer id of an Ed25519 key, another one for each number. */
export function peerId(number: number): string {
  const digits = [...String(number)].map((digit) => DIGITS[Number(digit)])
  return `12D3KooW${digits.join('').padStart(44, 'Z')}`
}
