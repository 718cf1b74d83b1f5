import { openLmdbStore } from "../src/lmdb/lmdb-store.ts"
import { createMemoryStore } from "../src/memory/memory-store.ts"
import { behavesAsModel } from "./model/behaviour.ts"
import { temporaryFolders } from "./temporary-folders.ts"

const newFolder = temporaryFolders()

behavesAsModel("memory", async () => createMemoryStore())
behavesAsModel("LMDB", async () => openLmdbStore({ folder: await newFolder() }))
behavesAsModel("LMDB with groups of three", async () => openLmdbStore({ folder: await newFolder(), groupLimit: 3 }))
behavesAsModel("LMDB shared by processes", async () => openLmdbStore({ folder: await newFolder(), shared: true }))
