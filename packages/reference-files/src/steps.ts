import type { Step } from "@sluice/queue-store/queue-store"

/** All steps of a walk over a store, one after the other. */
export async function* steps<T extends Step>(read: (from: Step) => Promise<T>): AsyncGenerator<T> {
  let from: Step = {}
  do {
    const found = await read(from)
    yield found
    from = found.cursor === undefined ? {} : { cursor: found.cursor }
  } while (from.cursor !== undefined)
}
