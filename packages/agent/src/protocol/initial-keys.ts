/**
 * What the creator of a connection wants of post-quantum keys (agent.md §9). `use` puts a KEM key into every form of the
 * invitation, `link` only into the data of a short link, `off` into none.
 */
export type InitialKeys = "use" | "link" | "off"

/** Where the choice of the creator leads. */
export interface InitialKeysPlan {
  /** The full link carries a KEM key. */
  readonly fullLink: boolean
  /** The data behind a short link carries a KEM key. */
  readonly shortLink: boolean
  /** The PQ flag of the connection. */
  readonly connection: boolean
}

const PLANS: Readonly<Record<InitialKeys, InitialKeysPlan>> = {
  use: { fullLink: true, shortLink: true, connection: true },
  link: { fullLink: false, shortLink: true, connection: true },
  off: { fullLink: false, shortLink: false, connection: false },
}

export function initialKeysPlan(keys: InitialKeys): InitialKeysPlan {
  return PLANS[keys]
}

/** Text form: `pq=invitation`, `pq=enable`, `pq=disable`. */
export function formatInitialKeys(keys: InitialKeys): string {
  return { use: "pq=invitation", link: "pq=enable", off: "pq=disable" }[keys]
}
