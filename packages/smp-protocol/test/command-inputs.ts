import { fromHex } from "@sluice/encoding/bytes"
import { parseServerAddress } from "@sluice/encoding/server-address"
import type { NewCommand, QueueData } from "../src/commands/new.ts"
import type { COMMANDS } from "../src/commands/table.ts"
import type { Command } from "../src/commands.ts"
import type { LinkData, ServiceCounters } from "../src/types.ts"
import { authKey, type BytesInput, bytes, x25519Key } from "./vector-values.ts"

interface LinkInput {
  readonly fixed: string
  readonly user: string
}

/** All fields that the inputs of any command have. */
interface CommandInputs {
  readonly rcvAuthKey: string
  readonly rcvDhKey: string
  readonly basicAuth: string | null
  readonly subMode: "S" | "C"
  readonly queueReqData: { mode: "M" | "C"; data: ({ linkId?: string; senderId: string } & LinkInput) | null } | null
  readonly ntfCreds: { authKey: string; dhKey: string } | null
  readonly key: string
  readonly keys: readonly string[]
  readonly dhKey: string
  readonly linkId: string
  readonly data: LinkInput
  readonly msgId: string
  readonly notification: boolean
  readonly body: BytesInput
  readonly server: string
  readonly version: number
  readonly transmission: string
  readonly count?: string
  readonly hash?: string
  readonly name: string
}

/** The command of a case of `commands`: the tag is the first word of its name. */
export function commandOf(name: string, inputs: unknown): Command {
  const i = inputs as CommandInputs
  const tag = name.split(" ")[0] as keyof typeof COMMANDS
  switch (tag) {
    case "NEW":
      return newCommand(i)
    case "SUBS":
    case "NSUBS":
      return { tag, expected: countersOf(i) }
    case "KEY":
    case "SKEY":
    case "LKEY":
      return { tag, senderKey: authKey(i.key) }
    case "RKEY":
      return { tag, recipientKeys: i.keys.map(authKey) }
    case "LSET":
      return { tag, linkId: fromHex(i.linkId), data: linkData(i.data) }
    case "NKEY":
      return { tag, notifierKey: authKey(i.key), dhKey: x25519Key(i.dhKey) }
    case "ACK":
      return { tag, msgId: fromHex(i.msgId) }
    case "SEND":
      return { tag, flags: { notification: i.notification }, body: bytes(i.body) }
    case "PRXY":
      return { tag, server: parseServerAddress(i.server), password: i.basicAuth ?? undefined }
    case "PFWD":
      return { tag, version: i.version, key: x25519Key(i.key), request: fromHex(i.transmission) }
    case "RFWD":
      return { tag, request: fromHex(i.transmission) }
    case "RSLV":
      return { tag, name: i.name }
    default:
      return { tag }
  }
}

function newCommand(i: CommandInputs): NewCommand {
  return {
    tag: "NEW",
    recipientKey: authKey(i.rcvAuthKey),
    dhKey: x25519Key(i.rcvDhKey),
    password: i.basicAuth ?? undefined,
    subscription: i.subMode === "S" ? "subscribe" : "create-only",
    queueData: i.queueReqData === null ? undefined : queueData(i.queueReqData),
    notifier:
      i.ntfCreds === null ? undefined : { authKey: authKey(i.ntfCreds.authKey), dhKey: x25519Key(i.ntfCreds.dhKey) },
  }
}

function queueData({ mode, data }: NonNullable<CommandInputs["queueReqData"]>): QueueData {
  if (data === null) return { mode: mode === "M" ? "messaging" : "contact" }
  const link = { senderId: fromHex(data.senderId), data: linkData(data) }
  if (mode === "M") return { mode: "messaging", link }
  return { mode: "contact", link: { ...link, linkId: fromHex(data.linkId ?? "") } }
}

export function linkData(input: LinkInput): LinkData {
  return { fixed: fromHex(input.fixed), user: fromHex(input.user) }
}

/** Without inputs (the file of the stable release) these commands have no parameters at any of its versions. */
export function countersOf(i: { readonly count?: string; readonly hash?: string }): ServiceCounters {
  return { count: BigInt(i.count ?? "-1"), hash: fromHex(i.hash ?? "00".repeat(16)) }
}
