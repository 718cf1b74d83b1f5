import { latin1, toHex, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { COMMANDS } from "../src/commands/table.ts"
import { type CommandTag, checkCredentials, decodeCommand, encodeCommand } from "../src/commands.ts"
import { smpErrorToJson } from "../src/error-json.ts"
import { formatSmpError, parseSmpError } from "../src/error-string.ts"
import { decodeSmpError, encodeSmpError } from "../src/error-wire.ts"
import { CommandError, type SmpError } from "../src/errors.ts"
import { MESSAGES } from "../src/messages/table.ts"
import { type BrokerMessageTag, checkMessageEntity, decodeBrokerMessage, encodeBrokerMessage } from "../src/messages.ts"
import { commandOf } from "./command-inputs.ts"
import { messageOf } from "./message-inputs.ts"
import { cryptoVectors } from "./own-crypto-vectors.ts"
import {
  BAD_ERROR_TEXTS,
  COMMAND_INPUTS,
  COMMAND_TEXTS,
  ERROR_TEXTS,
  MESSAGE_INPUTS,
  MESSAGE_TEXTS,
} from "./own-inputs.ts"

const VERSIONS = Array.from({ length: 15 }, (_, i) => 6 + i)
const LATEST = 20

/** A function of the version and the versions that give each of its results, in order. */
function byVersion<R extends object>(result: (v: number) => R): ({ versions: number[] } & R)[] {
  const groups = new Map<string, { versions: number[] } & R>()
  for (const v of VERSIONS) {
    const value = result(v)
    const key = JSON.stringify(value)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, { versions: [v], ...value })
    else group.versions.push(v)
  }
  return [...groups.values()]
}

/** Encodings at every version; `parsedThenEncodedAs20` where a version loses something. */
function encodings(encode: (v: number) => Uint8Array, again: (bytes: Uint8Array, v: number) => Uint8Array): object[] {
  const latest = toHex(encode(LATEST))
  return byVersion((v) => {
    const encoded = encode(v)
    const back = toHex(again(encoded, v))
    return { hex: toHex(encoded), ...(back === latest ? {} : { parsedThenEncodedAs20: back }) }
  })
}

/** What a parser makes of bytes at every version. */
function parseResults(parse: (v: number) => object): object[] {
  return byVersion((v) => {
    try {
      return parse(v)
    } catch (error) {
      if (error instanceof CommandError) return { error: error.message }
      throw error
    }
  })
}

const answer = (error: SmpError | undefined): string => (error === undefined ? "ok" : formatSmpError(error))

function commandCredentials(name: CommandTag): object {
  return {
    name,
    noAuthNoEntity: answer(checkCredentials(name, false, false)),
    authNoEntity: answer(checkCredentials(name, true, false)),
    noAuthEntity: answer(checkCredentials(name, false, true)),
    authEntity: answer(checkCredentials(name, true, true)),
  }
}

function messageCredentials(name: BrokerMessageTag): object {
  return { name, noEntity: answer(checkMessageEntity(name, false)), entity: answer(checkMessageEntity(name, true)) }
}

function errorVector(name: string): object {
  const error = parseSmpError(name)
  const same = { same: true }
  const smp = toHex(encodeSmpError(error))
  const string = String.fromCharCode(...utf8(formatSmpError(error)))
  return { name, smp, string, json: JSON.stringify(smpErrorToJson(error)), smpParsed: same, stringParsed: same }
}

function badError(name: string): object {
  try {
    decodeSmpError(utf8(name))
  } catch (error) {
    if (error instanceof DecodeError) return { name, input: toHex(utf8(name)), error: error.message }
    throw error
  }
  throw new Error(`${name} is an error`)
}

/**
 * Everything in `test/vectors/smp.json`, computed from fixed inputs. The arrays have the form of the reference's vectors,
 * so that the same tests run over both.
 */
export function ownVectors(): Record<string, unknown> {
  return {
    source: "made by packages/smp-protocol/test/make-vectors.ts",
    commands: COMMAND_INPUTS.map(({ name, inputs }) => {
      const command = commandOf(name, inputs)
      const again = (bytes: Uint8Array, v: number): Uint8Array => encodeCommand(decodeCommand(bytes, v), LATEST)
      return { name, inputs, encodings: encodings((v) => encodeCommand(command, v), again) }
    }),
    brokerMessages: MESSAGE_INPUTS.map(({ name, inputs }) => {
      const message = messageOf(name, inputs)
      const again = (bytes: Uint8Array, v: number): Uint8Array =>
        encodeBrokerMessage(decodeBrokerMessage(bytes, v), LATEST)
      return { name, inputs, encodings: encodings((v) => encodeBrokerMessage(message, v), again) }
    }),
    commandParse: COMMAND_TEXTS.map((text) => {
      const input = latin1(text)
      const results = parseResults((v) => {
        const command = decodeCommand(input, v)
        return { tag: command.tag, encodedAs20: toHex(encodeCommand(command, LATEST)) }
      })
      return { name: JSON.stringify(text), input: toHex(input), results }
    }),
    brokerMessageParse: MESSAGE_TEXTS.map((text) => {
      const input = latin1(text)
      const results = parseResults((v) => ({
        encodedAs20: toHex(encodeBrokerMessage(decodeBrokerMessage(input, v), LATEST)),
      }))
      return { name: JSON.stringify(text), input: toHex(input), results }
    }),
    commandCredentials: (Object.keys(COMMANDS) as CommandTag[]).map(commandCredentials),
    brokerMessageCredentials: (Object.keys(MESSAGES) as BrokerMessageTag[]).map(messageCredentials),
    errors: ERROR_TEXTS.map(errorVector),
    errorParse: BAD_ERROR_TEXTS.map(badError),
    ...cryptoVectors(),
  }
}
