// Only what catches signals is loaded at first: a signal that comes while the rest loads ends the program properly.
import { type Program, runProgram } from "@sluice/ops/lifecycle"
import { processHost } from "@sluice/ops/main"
import { printData, say } from "../output.ts"
import { type GlobalOptions, loadSettings, placeOf } from "../place.ts"

/** `sluice agent`: the agent for programs on this machine. Gives the exit code. */
export function agent(options: GlobalOptions): Promise<number> {
  return runProgram(() => agentProgramOf(options), processHost(say))
}

async function agentProgramOf(options: GlobalOptions): Promise<Program> {
  const { agentProgram } = await import("@sluice/agent-service/program")
  const { formatBind } = await import("@sluice/ops/bind")
  const { systemClock } = await import("@sluice/ops/clock")
  const { createLog } = await import("@sluice/ops/log")
  const { VERSION } = await import("../version.ts")
  const place = placeOf(options)
  const { config } = loadSettings(place)
  return agentProgram(config.agent, {
    dataFolder: place.dataFolder,
    log: createLog({ ...config.log, service: "agent" }, { clock: systemClock }),
    version: VERSION,
    grace: config.shutdown.grace,
    // For scripts: where to connect, and with what.
    started: ({ address }, tokenFile) => {
      printData(`ws://${formatBind(address)}/agent`)
      printData(tokenFile)
    },
  })
}

/** `sluice agent reference` */
export async function agentReference(): Promise<void> {
  const { referenceDocument } = await import("@sluice/agent-service/reference")
  process.stdout.write(referenceDocument())
}

/** `sluice agent schema` */
export async function agentSchema(): Promise<void> {
  const { jsonSchema } = await import("@sluice/agent-service/schema/frames")
  printData(JSON.stringify(jsonSchema(), undefined, 2))
}
