import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { queueStoreContract } from "./contract.ts"
import { temporaryFolders } from "./temporary-folders.ts"

const newFolder = temporaryFolders()

queueStoreContract("LMDB", async () => openLmdbStore({ folder: await newFolder() }))
queueStoreContract("LMDB shared by processes", async () => openLmdbStore({ folder: await newFolder(), shared: true }))
