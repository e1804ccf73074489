/** Classes of HTTP status, 1xx to 5xx, by their first digit. */
const CLASSES = 6

/** Counts what members were answered over the data plane. Services are named in the code, so that there are few. */
export class MemberStats {
  readonly #services = new Map<string, Float64Array>()

  /** @param prefix of the paths of a service, such as `/blobs/v1/` */
  answered(prefix: string, status: number): void {
    const counts = this.#services.get(prefix) ?? new Float64Array(CLASSES)
    this.#services.set(prefix, counts)
    const at = Math.floor(status / 100) % CLASSES
    counts[at] = (counts[at] as number) + 1
  }

  /** Answers by service and class of status, such as `2xx`; none of what never happened. */
  get all(): readonly { readonly service: string; readonly status: string; readonly count: number }[] {
    return [...this.#services].flatMap(([prefix, counts]) =>
      [...counts].flatMap((count, at) =>
        count === 0 ? [] : [{ service: prefix.split('/')[1] ?? '', status: `${at}xx`, count }],
      ),
    )
  }
}
