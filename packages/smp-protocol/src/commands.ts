import { fromLatin1 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { Reader } from "@sluice/encoding/reader"
import type { Version } from "@sluice/encoding/version"
import { Writer } from "@sluice/encoding/writer"
import type { BlobCommand } from "./commands/blob.ts"
import { BLOB_COMMANDS, type Extensions, extensionSpec, NO_EXTENSIONS } from "./commands/extensions.ts"
import type { LdelCommand, LgetCommand, LkeyCommand, LsetCommand } from "./commands/link.ts"
import type { NewCommand } from "./commands/new.ts"
import type { PfwdCommand, PrxyCommand, RfwdCommand } from "./commands/proxy.ts"
import type {
  AckCommand,
  DelCommand,
  GetCommand,
  KeyCommand,
  NdelCommand,
  NkeyCommand,
  OffCommand,
  QueCommand,
  RkeyCommand,
  SubCommand,
} from "./commands/recipient.ts"
import type { RslvCommand } from "./commands/resolve.ts"
import type { PingCommand, SendCommand, SkeyCommand } from "./commands/sender.ts"
import type { NsubCommand, NsubsCommand, SubsCommand } from "./commands/service.ts"
import { COMMANDS, type CommandSpec, commandSpec } from "./commands/table.ts"
import { CommandError, commandError, type SmpError } from "./errors.ts"

/** All commands of clients (smp.md §2), and those of extensions. Byte fields of decoded commands are views on the input. */
export type Command =
  | NewCommand
  | SubCommand
  | SubsCommand
  | KeyCommand
  | RkeyCommand
  | LsetCommand
  | LdelCommand
  | NkeyCommand
  | NdelCommand
  | GetCommand
  | AckCommand
  | OffCommand
  | DelCommand
  | QueCommand
  | SkeyCommand
  | SendCommand
  | PingCommand
  | LkeyCommand
  | LgetCommand
  | NsubCommand
  | NsubsCommand
  | PrxyCommand
  | PfwdCommand
  | RfwdCommand
  | RslvCommand
  | BlobCommand

export type CommandTag = Command["tag"]

/** The command with this tag, for example `CommandOf<"SEND">`. */
export type CommandOf<T extends CommandTag> = Extract<Command, { tag: T }>

const SPACE = 0x20
const LONGEST_TAG = 5

const SPECS = { ...COMMANDS, ...BLOB_COMMANDS }

/** What the tag of a command says about party, credentials and role. */
export function specOf(tag: CommandTag): CommandSpec<Command> {
  return SPECS[tag] as unknown as CommandSpec<Command>
}

/** Bytes of a command: tag and parameters. Throws `EncodeError` for values that have no encoding. */
export function encodeCommand(command: Command, v: Version): Uint8Array {
  const w = new Writer(command.tag === "SEND" ? command.body.length + 7 : undefined)
  writeCommand(w, command, v)
  return w.finish()
}

/** Appends a command to what was written. */
export function writeCommand(w: Writer, command: Command, v: Version): void {
  specOf(command.tag).codec.write(w.ascii(command.tag), command, v)
}

/**
 * Reads a command that fills `bytes`. Throws `CommandError` and nothing else: `UNKNOWN` if what precedes the first
 * space is no tag, `SYNTAX` if the parameters do not parse or are followed by more (transport.md §5.4). Commands of
 * `extensions` that are not there are unknown ones.
 */
export function decodeCommand(bytes: Uint8Array, v: Version, extensions: Extensions = NO_EXTENSIONS): Command {
  const r = new Reader(bytes)
  const spec = readTag(r, (tag) => commandSpec(tag) ?? extensionSpec(tag, extensions))
  try {
    const command = spec.codec.read(r, v)
    r.end()
    return command
  } catch (error) {
    if (error instanceof DecodeError) throw new CommandError("SYNTAX")
    throw error
  }
}

/** Everything before the first space, looked up; throws `CommandError` "UNKNOWN" if it is no tag. */
export function readTag<S>(r: Reader, lookUp: (tag: string) => S | undefined): S {
  const tag = r.takeUntil(SPACE)
  const spec = tag.length > LONGEST_TAG ? undefined : lookUp(fromLatin1(tag))
  if (spec === undefined) throw new CommandError("UNKNOWN")
  return spec
}

/**
 * The error for missing or unexpected credentials, `undefined` if they are as the command needs them (smp.md §2).
 * Only their presence is looked at.
 */
export function checkCredentials(tag: CommandTag, hasAuthorization: boolean, hasEntity: boolean): SmpError | undefined {
  switch (specOf(tag).credentials) {
    case "creator":
      if (!hasAuthorization) return commandError("NO_AUTH")
      return hasEntity ? commandError("HAS_AUTH") : undefined
    case "entity":
      return hasAuthorization && hasEntity ? undefined : commandError("NO_AUTH")
    case "send":
      return hasEntity ? undefined : commandError("NO_ENTITY")
    case "open":
      if (!hasEntity) return commandError("NO_ENTITY")
      return hasAuthorization ? commandError("HAS_AUTH") : undefined
    case "none":
      return hasAuthorization || hasEntity ? commandError("HAS_AUTH") : undefined
  }
}
