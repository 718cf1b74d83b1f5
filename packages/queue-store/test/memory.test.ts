import { createMemoryStore } from "../src/memory/memory-store.ts"
import { queueStoreContract } from "./contract.ts"

queueStoreContract("memory", async () => createMemoryStore())
