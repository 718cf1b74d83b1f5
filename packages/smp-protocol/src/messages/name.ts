import { utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { type JsonObject, jsonMaybe, jsonText } from "@sluice/encoding/json"
import type { Codec } from "../commands/codec.ts"
import { readJsonObject } from "../json-message.ts"

/** What a name resolves to, with the keys of its JSON form (smp.md §6.3). Empty texts mean "not set". */
export interface NameRecord {
  readonly name: string
  readonly nickname: string
  readonly website: string
  readonly location: string
  /** Contact links, the primary one first. */
  readonly simplexContact: readonly string[]
  /** Channel links, the primary one first. */
  readonly simplexChannel: readonly string[]
  readonly eth: string | null
  readonly btc: string | null
  readonly xmr: string | null
  readonly dot: string | null
  /** Address `0x…` of the owner of the name. */
  readonly owner: string
  /** Address `0x…` of the contract that resolved it. */
  readonly resolver: string
}

/** `RNAME`: answer to `RSLV`. */
export interface RnameMessage {
  readonly tag: "RNAME"
  readonly record: NameRecord
}

export const rnameCodec: Codec<RnameMessage> = {
  read(r) {
    r.space("RNAME")
    return { tag: "RNAME", record: nameRecordFromJson(readJsonObject(r, "RNAME")) }
  },
  write(w, m) {
    w.space().raw(utf8(formatNameRecord(m.record)))
  },
}

/** JSON text of a record, keys in the order of the reference. */
export function formatNameRecord(record: NameRecord): string {
  const { name, nickname, website, location, simplexContact, simplexChannel, eth, btc, xmr, dot } = record
  const { owner, resolver } = record
  const keys = {
    name,
    nickname,
    website,
    location,
    simplexContact,
    simplexChannel,
    eth,
    btc,
    xmr,
    dot,
    owner,
    resolver,
  }
  return JSON.stringify(keys)
}

/** Reads a record after `JSON.parse`. Only the four coin keys may be missing; throws `DecodeError`. */
export function nameRecordFromJson(json: JsonObject): NameRecord {
  return {
    name: text(json, "name"),
    nickname: text(json, "nickname"),
    website: text(json, "website"),
    location: text(json, "location"),
    simplexContact: texts(json, "simplexContact"),
    simplexChannel: texts(json, "simplexChannel"),
    eth: coin(json, "eth"),
    btc: coin(json, "btc"),
    xmr: coin(json, "xmr"),
    dot: coin(json, "dot"),
    owner: text(json, "owner"),
    resolver: text(json, "resolver"),
  }
}

/** A text that UTF-8 can express: JSON escapes could also make halves of surrogate pairs. */
function text(json: JsonObject, key: string): string {
  return wellFormed(jsonText(json, key), key)
}

function texts(json: JsonObject, key: string): string[] {
  const value = json[key]
  if (!Array.isArray(value)) throw new DecodeError(`${key}: array expected`)
  return value.map((item: unknown) => {
    if (typeof item !== "string") throw new DecodeError(`${key}: texts expected`)
    return wellFormed(item, key)
  })
}

function coin(json: JsonObject, key: string): string | null {
  return jsonMaybe(json, key, text) ?? null
}

function wellFormed(value: string, key: string): string {
  if (!value.isWellFormed()) throw new DecodeError(`${key}: lone surrogate`)
  return value
}
