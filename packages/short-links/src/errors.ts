/** Which of the two parts of link data something is about, or `blob` for a link of the first design. */
export type LinkPart = "fixed" | "user" | "blob"

/**
 * Everything that can be wrong with a link or with what stands behind it. Every verification step of short-links.md §8
 * has its own code, so that a program can say which one failed.
 */
export type LinkProblem =
  /** The text is no link of the kind asked for. `field` names the part, never its content. */
  | { readonly code: "SYNTAX"; readonly field: LinkField }
  /** A short link of the `simplex:` form names no server (§10). */
  | { readonly code: "NO_SERVER" }
  /** An invitation where a contact address is needed, or the other way round. */
  | { readonly code: "OTHER_KIND" }
  /** The box of a part does not open: another key, or its bytes were changed. */
  | { readonly code: "DECRYPT"; readonly part: LinkPart }
  /** A part opened, but what is inside is no link data. */
  | { readonly code: "MALFORMED"; readonly part: LinkPart }
  /** The fixed data is not what the link names: its hash is not the link key (step 4). */
  | { readonly code: "DATA_HASH" }
  /** The fixed data is not signed by its root key (step 5). */
  | { readonly code: "DATA_SIGNATURE" }
  /** The user data is signed neither by the root key nor by a listed owner (step 6). */
  | { readonly code: "USER_DATA_SIGNATURE" }
  /** An owner is listed with the root key (§9). `ownerId` is the unpadded base64url of its ID. */
  | { readonly code: "OWNER_IS_ROOT"; readonly ownerId: string }
  /** Two owners share an ID or a key (§9). */
  | { readonly code: "OWNER_DUPLICATE"; readonly ownerId: string }
  /** Neither the root nor an owner listed before it authorized this owner (§9). */
  | { readonly code: "OWNER_UNAUTHORIZED"; readonly ownerId: string }
  /** The connection request leads to another server or queue than the link (step 7). */
  | { readonly code: "OTHER_ADDRESS" }
  /** A part does not fit its blob (§4.3). */
  | { readonly code: "TOO_LARGE"; readonly part: LinkPart }
  /** The key that is to sign is neither the root key nor that of a listed owner (§9). */
  | { readonly code: "NOT_AN_OWNER" }
  /** The data that the app put into the link is no profile that this program can read. */
  | { readonly code: "PROFILE" }

/** Part of a link's text that could not be read. */
export type LinkField =
  | "scheme"
  | "host"
  | "type"
  | "link id"
  | "link key"
  | "parameters"
  | "port"
  | "key hash"
  | "end"
  | "version"
  | "queue"
  | "e2e"
  | "compact"

const TEXTS: Readonly<Record<LinkProblem["code"], string>> = {
  SYNTAX: "not a valid link",
  NO_SERVER: "short link without server",
  OTHER_KIND: "a link of the other kind",
  DECRYPT: "link data can not be decrypted with this link",
  MALFORMED: "link data is malformed",
  DATA_HASH: "link data hash",
  DATA_SIGNATURE: "link data signature",
  USER_DATA_SIGNATURE: "user data signature",
  OWNER_IS_ROOT: "owner key matches root key",
  OWNER_DUPLICATE: "duplicate owner key or ID",
  OWNER_UNAUTHORIZED: "invalid authorization of owner",
  OTHER_ADDRESS: "different address",
  TOO_LARGE: "link data is too large",
  NOT_AN_OWNER: "no current owner in link data",
  PROFILE: "no readable profile in link data",
}

/** The one error that this package throws for links and link data. Its text is fixed and holds nothing of the link. */
export class LinkError extends Error {
  override readonly name = "LinkError"
  readonly problem: LinkProblem

  constructor(problem: LinkProblem) {
    super(TEXTS[problem.code])
    this.problem = problem
  }

  get code(): LinkProblem["code"] {
    return this.problem.code
  }
}

/** How an agent reports a problem with link data to its user (agent.md, errors of kind AGENT). */
export type AgentLinkError =
  | { readonly type: "A_LINK"; readonly text: string }
  | { readonly type: "A_CRYPTO"; readonly error: "DECRYPT_CB" }
  | { readonly type: "A_MESSAGE" }

/**
 * The agent's error for a problem found while reading (§8, §9), with the texts of the network, or `undefined` for
 * problems that no agent reports like this: links that cannot be parsed, data that cannot be written.
 */
export function agentLinkError(problem: LinkProblem): AgentLinkError | undefined {
  switch (problem.code) {
    case "DECRYPT":
      return { type: "A_CRYPTO", error: "DECRYPT_CB" }
    case "MALFORMED":
      return { type: "A_MESSAGE" }
    case "DATA_HASH":
    case "DATA_SIGNATURE":
    case "USER_DATA_SIGNATURE":
    case "OTHER_ADDRESS":
      return { type: "A_LINK", text: TEXTS[problem.code] }
    case "OWNER_IS_ROOT":
      return { type: "A_LINK", text: `owner key for ID ${problem.ownerId} matches root key` }
    case "OWNER_DUPLICATE":
      return { type: "A_LINK", text: `duplicate owner key or ID ${problem.ownerId}` }
    case "OWNER_UNAUTHORIZED":
      return { type: "A_LINK", text: `invalid authorization of owner ID ${problem.ownerId}` }
    default:
      return undefined
  }
}
