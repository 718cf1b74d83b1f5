import { readFile } from "node:fs/promises"
import { CryptoError } from "@sluice/crypto/errors"
import { DecodeError } from "@sluice/encoding/errors"
import { type JsonObject, jsonInteger, jsonObject, jsonText } from "@sluice/encoding/json"
import { writeFileAtomic } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import { exists } from "../identity.ts"

/** What a state file begins with, so that one cannot be taken for the other. */
export type StateKind =
  | "sluice queue, recipient"
  | "sluice queue, sender"
  | "sluice link, owner"
  | "sluice link, reader"
  | "sluice link, blob"

/** Version of all layouts. */
const LAYOUT = 1

/** The text of a state file: JSON that a person can look at. */
export function stateText(kind: StateKind, fields: JsonObject): string {
  return `${JSON.stringify({ kind, layout: LAYOUT, ...fields }, undefined, 2)}\n`
}

/** Writes a state file, mode 0600, so that it is whole at every moment. */
export function writeState(path: string, kind: StateKind, fields: JsonObject): Promise<void> {
  return writeFileAtomic(path, stateText(kind, fields))
}

/** Reads a state file; `read` takes its fields. Throws `OperatorError` when it is not there or not one. */
export async function readState<T>(path: string, kind: StateKind, read: (fields: JsonObject) => T): Promise<T> {
  const text = await readText(path)
  try {
    const fields = jsonObject(JSON.parse(text), "state")
    if (jsonText(fields, "kind") !== kind || jsonInteger(fields, "layout") !== LAYOUT)
      throw new DecodeError("state: other kind")
    return read(fields)
  } catch (error) {
    if (!(error instanceof DecodeError || error instanceof CryptoError || error instanceof SyntaxError)) throw error
    throw new OperatorError(`${path} is not allowed; allowed: a file of the kind "${kind}", as written by this program`)
  }
}

/** A file named by the operator as text. Throws `OperatorError`. */
export async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8")
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "failed"
    throw new OperatorError(`${path} cannot be read (${code === "ENOENT" ? "there is no such file" : code})`)
  }
}

/** Refuses a file that exists: it may hold the only keys of a queue. */
export async function refuseExisting(path: string): Promise<void> {
  if (await exists(path)) throw new OperatorError(`${path} exists already; name a new file, or remove it`)
}
