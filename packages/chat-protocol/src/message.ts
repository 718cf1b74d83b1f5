import { decodeBase64Url, encodeBase64Url } from "@sluice/encoding/base64url"
import { DecodeError } from "@sluice/encoding/errors"
import type { JsonObject } from "@sluice/encoding/json"
import { asObject, objectField, optionalText, own, present, syntaxError, textField } from "./fields.ts"
import { type ChatProfile, profileFromJson, profileToJson } from "./profile.ts"

/*
 * What chat apps say to each other over a connection of agents: {"v":…,"msgId":…,"event":…,"params":{…}}. Here are the
 * events that two people need; all others are read as "unknown", with what they hold.
 */

/** Number by which later messages name an earlier one; apps make 12 random bytes, other lengths are read. */
export type MessageRef = Uint8Array

/** What a message shows. Types that are not known here are shown by their text, as far as they have one. */
export interface MessageContent {
  /** `text`, `link`, `image`, `video`, `voice`, `file`, … */
  readonly type: string
  /** Empty for a picture without words. */
  readonly text: string
}

/** The events that two people need. */
export type ChatEvent =
  /** Who somebody is: when connecting, and whenever it changes. */
  | { readonly event: "x.info"; readonly profile: ChatProfile }
  /** The same in a request to a contact address, perhaps with a first message. */
  | {
      readonly event: "x.contact"
      readonly profile: ChatProfile
      /** The same again in a request that is repeated. */
      readonly requestId?: Uint8Array | undefined
      readonly content?: MessageContent | undefined
    }
  | {
      readonly event: "x.msg.new"
      readonly content: MessageContent
      /** The message that it answers. */
      readonly quoted?: { readonly ref?: MessageRef | undefined; readonly content: MessageContent } | undefined
    }
  /** Other content for an earlier message. */
  | { readonly event: "x.msg.update"; readonly ref: MessageRef; readonly content: MessageContent }
  /** An earlier message is taken back. */
  | { readonly event: "x.msg.del"; readonly ref: MessageRef }
  /** The other side has deleted the contact. */
  | { readonly event: "x.direct.del" }
  /** Sent by some apps in a handshake; says nothing. */
  | { readonly event: "x.ok" }
  /** Any other event, `name`, as it is. */
  | { readonly event: "unknown"; readonly name: string; readonly params: JsonObject }

/** One chat message. */
export type ChatMessage = ChatEvent & {
  /** Present where later messages may name this one. */
  readonly id?: MessageRef | undefined
  /** Versions of the apps' protocol that the sender speaks, such as `1-16`. */
  readonly versions?: string | undefined
}

/** What this implementation says that it speaks: the form that every app reads. */
export const CHAT_VERSIONS = "1"

/** The JSON form of a message. */
export function messageToJson(message: ChatMessage): JsonObject {
  const { id, versions = CHAT_VERSIONS } = message
  const event = message.event === "unknown" ? message.name : message.event
  return { v: versions, ...present("msgId", id && encodeBase64Url(id)), event, params: paramsToJson(message) }
}

function paramsToJson(message: ChatEvent): JsonObject {
  switch (message.event) {
    case "x.info":
      return { profile: profileToJson(message.profile) }
    case "x.contact": {
      const { profile, requestId, content } = message
      return {
        profile: profileToJson(profile),
        ...present("contactReqId", requestId && encodeBase64Url(requestId)),
        ...present("content", content && contentToJson(content)),
      }
    }
    case "x.msg.new":
      return { content: contentToJson(message.content), ...present("quote", quoteToJson(message.quoted)) }
    case "x.msg.update":
      return { msgId: encodeBase64Url(message.ref), content: contentToJson(message.content) }
    case "x.msg.del":
      return { msgId: encodeBase64Url(message.ref) }
    case "unknown":
      return message.params
    default:
      return {}
  }
}

function quoteToJson(quoted: Extract<ChatEvent, { event: "x.msg.new" }>["quoted"]): JsonObject | undefined {
  if (quoted === undefined) return undefined
  const msgRef = present("msgId", quoted.ref && encodeBase64Url(quoted.ref))
  return { msgRef: { ...msgRef, sentAt: "1970-01-01T00:00:00Z", sent: true }, content: contentToJson(quoted.content) }
}

function contentToJson({ type, text }: MessageContent): JsonObject {
  return { type, text }
}

/** Reads the JSON form. Throws `ChatMessageError`. */
export function messageFromJson(json: unknown): ChatMessage {
  const object = asObject(json)
  const id = optionalText(object, "msgId")
  return {
    ...eventFromJson(
      textField(object, "event"),
      own(object, "params") === undefined ? {} : objectField(object, "params"),
    ),
    ...present("id", id === undefined ? undefined : bytes(id)),
    ...present("versions", optionalText(object, "v")),
  }
}

function eventFromJson(event: string, params: JsonObject): ChatEvent {
  switch (event) {
    case "x.info":
      return { event, profile: profileFromJson(objectField(params, "profile")) }
    case "x.contact": {
      const requestId = optionalText(params, "contactReqId")
      return {
        event,
        profile: profileFromJson(objectField(params, "profile")),
        ...present("requestId", requestId === undefined ? undefined : bytes(requestId)),
        ...present("content", optionalContent(params)),
      }
    }
    case "x.msg.new":
      return { event, content: contentFromJson(objectField(params, "content")), ...present("quoted", quoteOf(params)) }
    case "x.msg.update":
      return { event, ref: bytes(textField(params, "msgId")), content: contentFromJson(objectField(params, "content")) }
    case "x.msg.del":
      return { event, ref: bytes(textField(params, "msgId")) }
    case "x.direct.del":
    case "x.ok":
      return { event }
    default:
      return { event: "unknown", name: event, params }
  }
}

function contentFromJson(content: JsonObject): MessageContent {
  return { type: textField(content, "type"), text: optionalText(content, "text") ?? "" }
}

function optionalContent(params: JsonObject): MessageContent | undefined {
  const content = own(params, "content")
  return content === undefined || content === null ? undefined : contentFromJson(asObject(content))
}

function quoteOf(params: JsonObject): Extract<ChatEvent, { event: "x.msg.new" }>["quoted"] {
  const quote = own(params, "quote")
  if (quote === undefined || quote === null) return undefined
  const object = asObject(quote)
  const ref = optionalText(objectField(object, "msgRef"), "msgId")
  return {
    ...present("ref", ref === undefined ? undefined : bytes(ref)),
    content: contentFromJson(objectField(object, "content")),
  }
}

function bytes(text: string): Uint8Array {
  try {
    return decodeBase64Url(text)
  } catch (error) {
    if (error instanceof DecodeError) throw syntaxError()
    throw error
  }
}
