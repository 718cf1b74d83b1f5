import { join } from "node:path"
import { Agent } from "@sluice/agent/agent"
import { AgentStoreError } from "@sluice/agent/store/agent-store"
import { lmdbStore } from "@sluice/agent/store/lmdb-store"
import { ensureFolder } from "@sluice/ops/atomic-file"
import { OperatorError } from "@sluice/ops/operator-error"
import type { AgentServiceConfig } from "./config.ts"
import { secretFile } from "./secret-files.ts"

/** What opening a store may fail with, in words for operators. */
const STORE_PROBLEMS: Readonly<Record<string, string>> = {
  WRONG_PASSPHRASE: "was made with another passphrase: agent.passphrase",
  FORMAT: "is of another program, or of another version of this one",
  IN_USE: "is open in another process",
}

/**
 * Opens the agent in its folder, with the user that the settings ask for. Without a passphrase there, a random one is made
 * and kept in the folder. Throws `OperatorError`.
 */
export async function openAgent(
  folder: string,
  config: Pick<AgentServiceConfig, "passphrase" | "relays" | "privacy">,
): Promise<Agent> {
  await ensureFolder(folder)
  const passphrase = config.passphrase ?? (await secretFile(join(folder, "passphrase")))
  const store = join(folder, "store")
  try {
    const opened = await lmdbStore({ folder: store, passphrase: passphrase.reveal() })
    const agent = await Agent.open({ store: opened, network: { privacy: config.privacy } })
    if (agent.users().length === 0 && config.relays.length > 0) {
      await agent.createUser(config.relays.map((address) => ({ address })))
    }
    return agent
  } catch (error) {
    if (!(error instanceof AgentStoreError)) throw error
    const words = STORE_PROBLEMS[error.problem.code] ?? `can not be opened (${error.problem.code})`
    throw new OperatorError(`the agent's store ${store} ${words}`, { cause: error })
  }
}
