import type { Command } from "../commands.ts"
import { type BlobCommand, clrCodec, readCodec, wrtCodec } from "./blob.ts"
import type { CommandSpec } from "./table.ts"

/** Which commands beside the protocol's own a server knows. To all others they are unknown commands. */
export interface Extensions {
  /** `WRT`, `CLR`, `READ` (docs/blob-links.md). */
  readonly blobs?: boolean
}

/** The protocol as it is. */
export const NO_EXTENSIONS: Extensions = {}

type Table = { readonly [T in BlobCommand["tag"]]: CommandSpec<Extract<BlobCommand, { tag: T }>> }

/** The commands of the blob extension. */
export const BLOB_COMMANDS: Table = {
  WRT: { codec: wrtCodec, party: "blob", credentials: "entity", role: "M", serviceSigned: false },
  CLR: { codec: clrCodec, party: "blob", credentials: "entity", role: "M", serviceSigned: false },
  READ: { codec: readCodec, party: "blob", credentials: "open", role: "M", serviceSigned: false },
}

const blobsByTag: ReadonlyMap<string, CommandSpec<Command>> = new Map(
  Object.entries(BLOB_COMMANDS) as unknown as [string, CommandSpec<Command>][],
)

/** Specification of a tag that came off the wire, if it is one of the extensions. */
export function extensionSpec(tag: string, extensions: Extensions): CommandSpec<Command> | undefined {
  return extensions.blobs === true ? blobsByTag.get(tag) : undefined
}
