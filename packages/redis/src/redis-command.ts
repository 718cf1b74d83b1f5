import { Command } from "ioredis"
import { RedisError } from "./redis-error.ts"

/** An argument: numbers are sent as decimals, texts as UTF-8, bytes as they are. */
export type Argument = string | number | Uint8Array

/** An answer: bytes for texts of any kind, views on what was received. */
export type Reply = Uint8Array | number | null | readonly Reply[]

/** A command with its name and arguments, such as `["SET", key, value]`. */
export type CommandLine = readonly [name: string, ...args: Argument[]]

/** The form in which ioredis sends a command; its answer comes as bytes. */
export function toCommand([name, ...args]: CommandLine): Command {
  return new Command(name, args.map(toIoredis), { replyEncoding: null })
}

/** The bytes of an answer. Throws `RedisError` when it is of another kind. */
export function bytesOf(reply: Reply | undefined): Uint8Array {
  if (reply instanceof Uint8Array) return reply
  throw new RedisError({ code: "REDIS_FAILED", reply: "TYPE" })
}

/** The number of an answer. */
export function numberOf(reply: Reply | undefined): number {
  if (typeof reply === "number") return reply
  throw new RedisError({ code: "REDIS_FAILED", reply: "TYPE" })
}

/** The list of an answer. */
export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (Array.isArray(reply)) return reply
  throw new RedisError({ code: "REDIS_FAILED", reply: "TYPE" })
}

/** The text of an answer. */
export function textOf(reply: Reply | undefined): string {
  const bytes = bytesOf(reply)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8")
}

function toIoredis(argument: Argument): string | number | Buffer {
  if (typeof argument !== "object" || Buffer.isBuffer(argument)) return argument
  return Buffer.from(argument.buffer, argument.byteOffset, argument.length)
}
