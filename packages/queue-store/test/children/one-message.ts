/** Stores one message in the first queue of a shared store and ends. Argument: folder. */
import { openLmdbStore } from "../../src/lmdb/lmdb-store.ts"
import { message, QUOTA, rid } from "../fixtures.ts"

const [folder = ""] = process.argv.slice(2)
const store = await openLmdbStore({ folder, shared: true })
await store.enqueue(rid(1), message(1), QUOTA)
await store.close()
