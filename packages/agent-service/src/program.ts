import { resolve } from "node:path"
import type { Agent } from "@sluice/agent/agent"
import type { Program } from "@sluice/ops/lifecycle"
import type { Log } from "@sluice/ops/log"
import type { Service } from "@sluice/ops/service"
import { type AgentServer, createAgentServer } from "./agent-server.ts"
import { type AgentServiceConfig, checkAgentService } from "./config.ts"
import { openAgent } from "./open-agent.ts"
import { secretFile } from "./secret-files.ts"

/** What the program is started with. */
export interface AgentProgramOptions {
  readonly dataFolder: string
  readonly log: Log
  readonly version: string
  /** Milliseconds to end in. */
  readonly grace: number
  /** It serves: where, and the file with the token. */
  readonly started?: (server: AgentServer, tokenFile: string) => void
}

/** Name of the token's file in the agent's folder. */
export const TOKEN_FILE = "token"

/** The agent as a service. Throws `OperatorError` for settings that can not be used. */
export function agentProgram(config: AgentServiceConfig, options: AgentProgramOptions): Program {
  checkAgentService(config)
  const { dataFolder, log, version, grace } = options
  const folder = resolve(dataFolder, config.path)
  const tokenFile = resolve(folder, TOKEN_FILE)
  let running: { readonly agent: Agent; readonly server: AgentServer } | undefined
  const service: Service = {
    async start(signal) {
      const agent = await openAgent(folder, config)
      try {
        const server = await createAgentServer(config, { agent, token: await secretFile(tokenFile), version, log })
        signal.throwIfAborted()
        await server.start(signal)
        running = { agent, server }
        options.started?.(server, tokenFile)
      } catch (error) {
        await agent.close()
        throw error
      }
      // Connections that fail are tried again, and told by events: nothing here has to wait for relays.
      agent.subscribe().catch((error: unknown) => log.warn("subscribing failed", { error }))
    },
    async stop(deadline) {
      const { agent, server } = running ?? {}
      running = undefined
      await server?.stop(deadline)
      await agent?.close()
    },
  }
  return { service, log, grace }
}
