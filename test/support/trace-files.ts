import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fromHex } from "@sluice/encoding/bytes"
import { type TransmissionParams, transmissionParams } from "@sluice/smp-protocol/transmission"
import { type ClientHello, decodeClientHello, decodeServerHello, type ServerHello } from "@sluice/transport/hello"

/** `rx` from server to client, `tx` from client to server. */
export type Direction = "rx" | "tx"

/** Which of the blocks of a connection one is (transport.md §3). */
export type BlockKind = "server-hello" | "client-hello" | "service-response" | "transmissions"

/** How a block was encrypted. */
export interface BlockSecrets {
  /** 32 bytes, before they are made a box key. */
  readonly key: Uint8Array
  /** 24 bytes. */
  readonly nonce: Uint8Array
  /** First 64 bytes of the block on the wire: the tag over all of it, and 48 bytes. */
  readonly cipher64: Uint8Array
}

/** One recorded block. */
export interface TraceBlock {
  readonly connection: TraceConnection
  readonly direction: Direction
  readonly kind: BlockKind
  /** Without padding. */
  readonly content: Uint8Array
  readonly secrets?: BlockSecrets | undefined
}

/** One connection of a trace. */
export interface TraceConnection {
  /** Position among the connections of the trace, in the order of their first blocks. */
  readonly index: number
  readonly alpn: string
  readonly sessionId: Uint8Array
  /** X25519 secret of the session keys, where the blocks are encrypted. */
  readonly secret?: Uint8Array | undefined
  readonly serverHello: ServerHello
  readonly clientHello: ClientHello
  readonly params: TransmissionParams
  /** All its blocks in order. */
  readonly blocks: readonly TraceBlock[]
}

/** A recorded scenario: all blocks of all its connections, in the order in which the client saw them. */
export interface Trace {
  /** Folder and number of the file. */
  readonly name: string
  /** Name of the reference's test. */
  readonly test: string
  readonly connections: readonly TraceConnection[]
  readonly blocks: readonly TraceBlock[]
}

const FOLDERS = ["server", "agent", "proxy"] as const

const vectorFolder = process.env["SLUICE_VECTORS"] ?? join(import.meta.dirname, "..", "..", "..", "shared", "vectors")
const folder = join(vectorFolder, "..", "traces")

/** Whether the folder of recorded sessions is there, beside that of the vectors. */
export const haveTraces: boolean = existsSync(folder)

/** Every recorded session of one folder, or of all. */
export function traces(only: readonly (typeof FOLDERS)[number][] = FOLDERS): Trace[] {
  if (!haveTraces) return []
  return only.flatMap((name) =>
    readdirSync(join(folder, name))
      .filter((file) => file.endsWith(".json"))
      .sort()
      .map((file) => parseTrace(`${name}/${file.slice(0, 3)}`, readFileSync(join(folder, name, file), "utf8"))),
  )
}

/** A block as the files have it; those with `sessSecret` are no blocks. */
interface Entry {
  readonly dir: Direction
  readonly tlsunique: string
  readonly alpn?: string
  readonly plain?: string
  readonly sessSecret?: string
  readonly sbKey?: string
  readonly nonce?: string
  readonly cipher64?: string
}

function parseTrace(name: string, text: string): Trace {
  const { test, blocks: entries } = JSON.parse(text) as { readonly test: string; readonly blocks: readonly Entry[] }
  const connections = new Map<string, OpenConnection>()
  const blocks: TraceBlock[] = []
  for (const entry of entries) {
    let connection = connections.get(entry.tlsunique)
    if (connection === undefined) {
      connection = new OpenConnection(connections.size, entry)
      connections.set(entry.tlsunique, connection)
    }
    const block = connection.add(entry)
    if (block !== undefined) blocks.push(block)
  }
  return { name, test, connections: [...connections.values()], blocks }
}

class OpenConnection implements TraceConnection {
  readonly index: number
  readonly alpn: string
  readonly sessionId: Uint8Array
  readonly blocks: TraceBlock[] = []
  secret: Uint8Array | undefined
  #serverHello: ServerHello | undefined
  #clientHello: ClientHello | undefined

  constructor(index: number, { tlsunique, alpn = "" }: Entry) {
    this.index = index
    this.alpn = alpn
    this.sessionId = fromHex(tlsunique)
  }

  get serverHello(): ServerHello {
    return present(this.#serverHello, "server hello")
  }

  get clientHello(): ClientHello {
    return present(this.#clientHello, "client hello")
  }

  get params(): TransmissionParams {
    return transmissionParams(this.clientHello.version, this.sessionId)
  }

  add(entry: Entry): TraceBlock | undefined {
    if (entry.sessSecret !== undefined) {
      this.secret = fromHex(entry.sessSecret)
      return undefined
    }
    const kind = this.#kindOf(entry.dir)
    const content = fromHex(present(entry.plain, "content"))
    if (kind === "server-hello") this.#serverHello = decodeServerHello(content)
    if (kind === "client-hello") this.#clientHello = decodeClientHello(content)
    const block: TraceBlock = { connection: this, direction: entry.dir, kind, content, secrets: secretsOf(entry) }
    this.blocks.push(block)
    return block
  }

  #kindOf(direction: Direction): BlockKind {
    const before = this.blocks.filter((block) => block.direction === direction).length
    if (before === 0) return direction === "rx" ? "server-hello" : "client-hello"
    const answersService = direction === "rx" && before === 1 && this.clientHello.service !== undefined
    return answersService ? "service-response" : "transmissions"
  }
}

function secretsOf({ sbKey, nonce, cipher64 }: Entry): BlockSecrets | undefined {
  if (sbKey === undefined || nonce === undefined || cipher64 === undefined) return undefined
  return { key: fromHex(sbKey), nonce: fromHex(nonce), cipher64: fromHex(cipher64) }
}

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`trace: ${what} is missing`)
  return value
}
