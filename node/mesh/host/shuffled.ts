/** The values in an order of chance. */
export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const drawn = values.map((value) => ({ value, at: random() }))
  return drawn.sort((one, other) => one.at - other.at).map(({ value }) => value)
}
