// The kinds of values that calls and events are made of, as zod schemas. They have two forms: the JSON that travels, which
// the reference documents, and what the agent takes.
import { decodeBase64Url } from "@sluice/encoding/base64url"
import { DecodeError } from "@sluice/encoding/errors"
import { parseServerAddress, type ServerAddress } from "@sluice/encoding/server-address"
import { z } from "zod"

/** Bytes as text: base64url with padding. */
const BASE64URL = /^(?:[A-Za-z0-9_-]{4})*(?:[A-Za-z0-9_-]{2}==|[A-Za-z0-9_-]{3}=)?$/

/** Bytes that a client sends. */
export function bytesIn(description: string) {
  return z
    .string()
    .regex(BASE64URL, "not base64url with padding")
    .transform((text, context) => reading(() => decodeBase64Url(text), context))
    .describe(`${description} Bytes, base64url.`)
}

/** Exactly so many bytes that a client sends. */
export function bytesOf(length: number, description: string) {
  return bytesIn(description).refine((bytes) => bytes.length === length, `not ${length} bytes`)
}

/** Bytes that a client gets. */
export function bytesOut(description: string) {
  return z.string().regex(BASE64URL).describe(`${description} Bytes, base64url.`)
}

export const userId = z.int().min(1).describe("A user, from `createUser`.")
export const messageId = z.int().min(1).describe("Number of a message in its connection.")

/** A relay's address that a client sends. */
export const address = addressOf("smp").describe("`smp://fingerprint[:password]@host[,host][:port]`")

/** A notification server's address that a client sends. */
export const notificationAddress = addressOf("ntf").describe("`ntf://fingerprint@host[,host][:port]`")

/** A server of a user. */
export const serverSetting = z
  .strictObject({
    address,
    operator: z.string().optional().describe("Who runs it."),
    enabled: z.boolean().optional().describe("Default true."),
    storage: z.boolean().optional().describe("Queues are made there. Default true."),
    proxy: z.boolean().optional().describe("Messages to unknown relays go through it. Default true."),
    names: z.boolean().optional().describe("It is asked what names stand for. Default false: it learns which names."),
  })
  .meta({ id: "ServerSetting" })

/** A server that a client is told. */
export const server = z
  .object({
    hosts: z.array(z.string()),
    port: z.string().describe("Empty for the default."),
    keyHash: bytesOut("Fingerprint of its identity."),
  })
  .meta({ id: "Server" })

/** An error, in answers and in events. */
export const error = z
  .object({
    code: z
      .string()
      .describe(
        "Of the agent: CMD, CONN, NO_USER, NO_SERVERS, NO_NAME_SERVERS, INACTIVE, SMP, PROXY, BROKER, AGENT, STORE, INTERNAL. Of the service: REQUEST (not as the schema says), BUSY (too many calls at once), LARGE (the answer does not fit into agent.send_buffer), FAILED (a defect).",
      ),
    message: z.string().describe("For people."),
    temporary: z.boolean().describe("The same may succeed later."),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: "Error" })

function addressOf(scheme: "smp" | "ntf") {
  return z
    .string()
    .transform((text, context): ServerAddress => reading(() => parseServerAddress(text, { scheme }), context))
}

/** What `read` gives; what it can not read is an issue of the value. */
export function reading<T>(read: () => T, context: z.RefinementCtx): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof DecodeError)) throw cause
    context.addIssue({ code: "custom", message: cause.message })
    return z.NEVER
  }
}
