/** Who may issue what: the owner of the admin key everything, and nobody else anything. */
export function mayIssue(author: string, _type: string, adminKey: string): boolean {
  return author === adminKey
}
