import { concatBytes, fromUtf8, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import type { JsonObject } from "@sluice/encoding/json"
import { LinkError } from "./errors.ts"

/*
 * What apps put into the user data of a link for the person who opens it: JSON with a profile and a message. The network
 * only carries the bytes; the form is the apps' convention. Written is
 *   {"profile":{"displayName":…,"fullName":"","image":…},"message":{"type":"text","text":…},"business":false}
 * and read are that, the same with "groupProfile", and a bare profile.
 */

/** Whom a link leads to, as they want to be seen before somebody connects. */
export interface LinkProfile {
  readonly displayName: string
  readonly fullName?: string | undefined
  /** One line about them. */
  readonly description?: string | undefined
  /** Picture as a `data:` URI; see {@link pictureOf} before showing it. */
  readonly image?: string | undefined
  /** Welcome message. */
  readonly message?: string | undefined
  /** A group or channel rather than a person. */
  readonly group?: boolean | undefined
  /** Requests open a conversation with several people of a business. */
  readonly business?: boolean | undefined
}

/** A picture that is safe to give to an image decoder: never SVG, which can hold scripts and links. */
export interface ProfilePicture {
  readonly mediaType: "image/jpeg" | "image/png" | "image/webp" | "image/gif"
  readonly base64: string
}

/** Undoes the compression of a profile; gives `undefined` for data it can not decompress within `maxSize` bytes. */
export type Decompress = (compressed: Uint8Array, maxSize: number) => Uint8Array | undefined

/** Compresses a large profile. The result must name the size of its content, which readers insist on. */
export type Compress = (profile: Uint8Array) => Uint8Array

/** JSON above this size is compressed, in bytes: it would leave little room for the rest of the user data. */
export const MAX_PLAIN_PROFILE = 10_240
/** Largest JSON that is read after decompression, in bytes. */
export const MAX_PROFILE_SIZE = 65_536
/** Compressed app data begins with this byte, which no JSON does. */
const COMPRESSED = 0x58

const PICTURE = /^data:image\/(jpe?g|png|webp|gif);base64,([A-Za-z0-9+/]+={0,2})$/

/**
 * The app data of a link for this profile. Without `compress` (zstd) a large one may not fit its link. Throws
 * `EncodeError` for text that is not valid Unicode.
 */
export function encodeProfile(profile: LinkProfile, compress?: Compress): Uint8Array {
  const bytes = profileJson(profile)
  if (compress === undefined || bytes.length <= MAX_PLAIN_PROFILE) return bytes
  return concatBytes(Uint8Array.of(COMPRESSED), compress(bytes))
}

function profileJson(profile: LinkProfile): Uint8Array {
  const { displayName, fullName = "", description, image, message, business = false } = profile
  const inner = { displayName, fullName, ...present("shortDescr", description), ...present("image", image) }
  const text = message === undefined ? undefined : { type: "text", text: message }
  const outer = profile.group === true ? { groupProfile: inner } : { profile: inner, business }
  return utf8(JSON.stringify({ ...outer, ...present("message", text) }))
}

/**
 * Reads the profile from the app data of a link. Without `decompress` (zstd), compressed data can not be read. Throws
 * `LinkError` "PROFILE" for anything that is no profile; data of zero bytes is none.
 */
export function decodeProfile(appData: Uint8Array, decompress?: Decompress): LinkProfile {
  const outer = objectOf(parseJson(jsonBytes(appData, decompress)))
  const group = objectOrAbsent(outer["groupProfile"])
  const inner = group ?? objectOrAbsent(outer["profile"]) ?? outer
  return {
    displayName: textOf(inner, "displayName") ?? fail(),
    fullName: nonEmpty(textOf(inner, "fullName")),
    description: nonEmpty(textOf(inner, "shortDescr")),
    image: nonEmpty(textOf(inner, "image")),
    message: nonEmpty(messageOf(outer["message"]) ?? (group && textOf(group, "description"))),
    ...(group === undefined ? {} : { group: true }),
    ...(outer["business"] === true ? { business: true } : {}),
  }
}

/** The picture of a profile, if it is one of the forms that may be shown. */
export function pictureOf(profile: LinkProfile): ProfilePicture | undefined {
  const match = PICTURE.exec(profile.image ?? "")
  if (match === null) return undefined
  const [, form = "", base64 = ""] = match
  return { mediaType: MEDIA_TYPES[form] ?? "image/jpeg", base64 }
}

const MEDIA_TYPES: Readonly<Record<string, ProfilePicture["mediaType"]>> = {
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
  gif: "image/gif",
}

function jsonBytes(appData: Uint8Array, decompress: Decompress | undefined): Uint8Array {
  if (appData[0] !== COMPRESSED) return appData
  const bytes = decompress?.(appData.subarray(1), MAX_PROFILE_SIZE)
  if (bytes === undefined || bytes.length > MAX_PROFILE_SIZE) fail()
  return bytes
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(fromUtf8(bytes))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof DecodeError) fail()
    throw error
  }
}

/** A message is an object with a type and a text; apps show the text of types that they do not know. */
function messageOf(value: unknown): string | undefined {
  const message = objectOrAbsent(value)
  return message === undefined ? undefined : textOf(message, "text")
}

function objectOf(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : fail()
}

function objectOrAbsent(value: unknown): JsonObject | undefined {
  return value === undefined || value === null ? undefined : objectOf(value)
}

function textOf(object: JsonObject, name: string): string | undefined {
  const value = object[name]
  if (value === undefined || value === null) return undefined
  return typeof value === "string" ? value : fail()
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text
}

function present(name: string, value: unknown): JsonObject {
  return value === undefined ? {} : { [name]: value }
}

function fail(): never {
  throw new LinkError({ code: "PROFILE" })
}
