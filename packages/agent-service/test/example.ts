import { Agent } from "@sluice/agent/agent"
import { memoryStore } from "@sluice/agent/store/memory-store"
import { type AgentServer, createAgentServer } from "@sluice/agent-service/agent-server"
import { agentGroup } from "@sluice/agent-service/config"
import { loadConfig } from "@sluice/ops/config"
import { recordingLog } from "@sluice/ops/recording-log"
import { Secret } from "@sluice/ops/secret"

/** Serves an agent that forgets everything, on a free port, to whoever knows the token. */
export async function serve(token: string): Promise<{ agent: Agent; server: AgentServer }> {
  const agent = await Agent.open({ store: memoryStore() })
  const { agent: config } = loadConfig({ agent: agentGroup }, { overrides: { "agent.port": 0 } })
  const parts = { agent, token: new Secret(token), version: "0.1.0", log: recordingLog() }
  const server = await createAgentServer(config, parts)
  await server.start(new AbortController().signal)
  return { agent, server }
}
