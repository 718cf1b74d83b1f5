import { createHash } from "node:crypto"

/**
 * A Lua script that Redis runs as one atomic step. It is sent by its digest; its text only when a server does not have it
 * (after a restart, or on a node that is new in the Cluster). All its keys must be of one slot.
 */
export interface Script {
  /** For people who read the monitor of Redis; stands in the text as a comment. */
  readonly name: string
  /** Number of keys that it takes. */
  readonly keys: number
  readonly lua: string
  /** SHA-1 of the text in hex, by which Redis knows it. */
  readonly sha: string
}

/** What a script is made of. */
export interface ScriptParts extends Pick<Script, "name" | "keys" | "lua"> {
  /** Also when Redis is out of memory, which otherwise refuses all commands that may need some. */
  readonly withoutMemory?: boolean
}

/** Describes a script; nothing is sent. */
export function script({ name, keys, lua, withoutMemory = false }: ScriptParts): Script {
  const text = `${withoutMemory ? "#!lua flags=allow-oom\n" : ""}-- ${name}\n${lua.trim()}\n`
  return { name, keys, lua: text, sha: createHash("sha1").update(text).digest("hex") }
}
