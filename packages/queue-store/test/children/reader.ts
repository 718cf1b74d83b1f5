/** Reads from a shared store and ends by force before anything else can happen. Argument: folder. */
import { openLmdbStore } from "../../src/lmdb/lmdb-store.ts"
import { rid } from "../fixtures.ts"

const [folder = ""] = process.argv.slice(2)
const store = await openLmdbStore({ folder, shared: true })
void store.queueInfo(rid(1))
process.kill(process.pid, "SIGKILL")
