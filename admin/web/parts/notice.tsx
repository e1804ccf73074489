/** What went wrong, or what has been done, told to screen readers as well. */
export function Notice({ problem, done }: { readonly problem?: string | undefined; readonly done?: string | undefined }) {
  return (
    <div aria-live="polite" class="notices">
      {problem !== undefined && (
        <p class="notice bad">
          <span aria-hidden="true">✖</span> {problem}
        </p>
      )}
      {done !== undefined && (
        <p class="notice good">
          <span aria-hidden="true">✔</span> {done}
        </p>
      )}
    </div>
  )
}
