import { mkdir } from "node:fs/promises"
import { BOX_KEY_SIZE, type BoxKey, type CryptoBackend } from "@sluice/crypto/backend"
import { nativeCrypto } from "@sluice/crypto/native"
import {
  DEFAULT_PASSWORD_COST,
  PASSWORD_SALT_SIZE,
  type PasswordCost,
  passwordKey,
} from "@sluice/crypto/native/password-key"
import { EMPTY, utf8 } from "@sluice/encoding/bytes"
import { DecodeError } from "@sluice/encoding/errors"
import { type Schema, SchemaError, stepsFrom } from "@sluice/ops/schema"
import { type AgentStore, AgentStoreError } from "./agent-store.ts"
import { lockFolder } from "./folder-lock.ts"
import { LmdbEngine, openRoot, type Root } from "./lmdb-engine.ts"
import { RecordStore } from "./record-store.ts"
import { sealedValues } from "./sealed-values.ts"
import { decodeValue, encodeValue } from "./value-code.ts"

/** How to open a store on the disk. */
export interface LmdbStoreOptions {
  /** A folder of its own, made if it is not there. */
  readonly folder: string
  /** Everything but the sizes and the number of rows is encrypted with a key made from it. */
  readonly passphrase: string
  readonly crypto?: CryptoBackend | undefined
  /** Of a new store. */
  readonly cost?: PasswordCost | undefined
}

/** How the key of the store is made, in clear; and proof that a passphrase is the right one. */
interface Header {
  readonly version: number
  readonly salt: Uint8Array
  readonly cost: PasswordCost
  readonly proof: Uint8Array
}

/** Versions of the files; there has been one. A step to another would be taken here, before anything is read. */
const SCHEMA: Schema<Root> = { name: "the agent store", version: 1, steps: [] }
/** No table has the number 0. */
const HEADER_KEY: Uint8Array = utf8("\0sluice agent store")

/** Opens a store, or makes one. Rejects with {@link AgentStoreError}. Opening costs what guessing a passphrase costs. */
export async function lmdbStore(options: LmdbStoreOptions): Promise<AgentStore> {
  const { folder, crypto = nativeCrypto } = options
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const unlock = await lockFolder(crypto, folder)
  const root = openRoot(folder)
  try {
    const key = await keyOf(root, crypto, options)
    return new RecordStore(new LmdbEngine(root, unlock), sealedValues(crypto, key))
  } catch (cause) {
    await root.close()
    await unlock()
    throw cause
  }
}

async function keyOf(root: Root, c: CryptoBackend, options: LmdbStoreOptions): Promise<BoxKey> {
  const stored = root.getBinary(HEADER_KEY)
  if (stored === undefined) return await create(root, c, options)
  const { salt, cost, proof } = readHeader(stored)
  const key = c.boxKey(await passwordKey(options.passphrase, salt, BOX_KEY_SIZE, cost))
  if (sealedValues(c, key).open(HEADER_KEY, proof) === undefined)
    throw new AgentStoreError({ code: "WRONG_PASSPHRASE" })
  return key
}

async function create(root: Root, c: CryptoBackend, options: LmdbStoreOptions): Promise<BoxKey> {
  if ([...root.getKeys({ limit: 1 })].length > 0) throw new AgentStoreError({ code: "FORMAT" })
  const { passphrase, cost = DEFAULT_PASSWORD_COST } = options
  const salt = c.randomBytes(PASSWORD_SALT_SIZE)
  const key = c.boxKey(await passwordKey(passphrase, salt, BOX_KEY_SIZE, cost))
  const header: Header = { version: SCHEMA.version, salt, cost, proof: sealedValues(c, key).close(HEADER_KEY, EMPTY) }
  root.putSync(HEADER_KEY, encodeValue(header))
  return key
}

function readHeader(bytes: Uint8Array): Header {
  try {
    const header = decodeValue(bytes) as Header
    stepsFrom(SCHEMA, header.version)
    return header
  } catch (cause) {
    if (cause instanceof DecodeError || cause instanceof SchemaError) {
      throw new AgentStoreError({ code: "FORMAT" }, { cause })
    }
    throw cause
  }
}
