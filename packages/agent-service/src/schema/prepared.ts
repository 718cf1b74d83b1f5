// A planned address as text: the program keeps it until the address is made, also over restarts of the service.
import type { PreparedConnection } from "@sluice/agent/core/create"
import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { formatServerAddress } from "@sluice/encoding/server-address"
import { z } from "zod"
import { toJson } from "./json.ts"
import { address, bytesIn, bytesOf, userId } from "./values.ts"

const KEY_BYTES = 32

function keyPair<A extends "ed25519" | "x25519">(algorithm: A) {
  const raw = bytesOf(KEY_BYTES, "Key.")
  return z.strictObject({
    publicKey: z.strictObject({ kind: z.literal("public"), algorithm: z.literal(algorithm), raw }),
    privateKey: z.strictObject({ kind: z.literal("private"), algorithm: z.literal(algorithm), raw }),
  })
}

/** What of a plan its making needs; data that is sealed already is not carried twice. */
const content = z.strictObject({
  userId,
  connectionId: bytesIn("The connection."),
  plan: z.strictObject({
    kind: z.literal("contact"),
    server: address,
    corrId: bytesOf(24, "Correlation."),
    e2eKeys: keyPair("x25519"),
    keys: z
      .undefined()
      .optional()
      .transform(() => undefined),
    options: z.strictObject({
      keys: z.enum(["use", "link", "off"]).optional(),
      subscribe: z.boolean().optional(),
      clientData: z.string().optional(),
    }),
  }),
  link: z.strictObject({
    root: keyPair("ed25519"),
    made: z.strictObject({
      kind: z.literal("contact"),
      linkKey: bytesOf(32, "Key of the link."),
      linkId: bytesOf(24, "ID of the link."),
      data: z.strictObject({ fixed: bytesIn("What never changes."), user: bytesIn("What can be changed.") }),
    }),
  }),
})

const WRONG = "not what `prepareAddress` gave"

/** The text of a plan. */
export function formatPrepared({ userId: user, connectionId, plan, link }: PreparedConnection): string {
  const { kind, server, corrId, e2eKeys, options } = plan
  const { keys, subscribe, clientData } = options
  const rest = { kind, corrId, e2eKeys, options: { keys, subscribe, clientData } }
  const json = toJson({ userId: user, connectionId, plan: { ...rest, server: formatServerAddress(server) }, link })
  return encodeBase64Url(utf8(JSON.stringify(json)))
}

/** A plan that a program gives back. */
export const prepared = z
  .string()
  .transform((text, context): PreparedConnection => {
    const parsed = content.safeParse(parse(text))
    if (parsed.success) return parsed.data
    context.addIssue({ code: "custom", message: WRONG })
    return z.NEVER
  })
  .describe("From `prepareAddress`, unchanged.")

function parse(text: string): unknown {
  try {
    return JSON.parse(fromUtf8(decodeBase64Url(text)))
  } catch (error) {
    if (error instanceof DecodeError || error instanceof SyntaxError) return undefined
    throw error
  }
}
