import { describe } from "vitest"
import { agentStoreContract } from "../../test/agent-store-contract.ts"
import { memoryStore } from "./memory-store.ts"

describe("the memory store", () => {
  agentStoreContract(async () => {
    const store = memoryStore()
    return { store, [Symbol.asyncDispose]: () => store.close() }
  })
})
