// A member of a fleet on one machine: a relay process that `sluice up` starts and supervises. Not for people.
import { EventEmitter } from "node:events"
import { main, processHost } from "@sluice/ops/main"
import { type FromMember, isLead, type MemberSpec } from "./member-messages.ts"

const spec = JSON.parse(process.argv[2] ?? "{}") as MemberSpec
const tell = (message: FromMember): void => {
  if (process.connected) process.send?.(message)
}

const led = Promise.withResolvers<void>()
process.on("message", (message) => {
  if (isLead(message)) led.resolve()
})

const events = new EventEmitter()
for (const event of ["SIGTERM", "SIGHUP", "uncaughtException", "unhandledRejection"]) {
  process.on(event, (value: unknown) => events.emit(event, value))
}
// A terminal sends it to the whole group: the supervisor decides what follows.
process.on("SIGINT", () => undefined)
// Without a supervisor nobody would ever stop this process.
process.on("disconnect", () => events.emit("SIGTERM"))

const host = { ...processHost((line) => tell({ type: "refused", line })), events }
main(async () => {
  const { memberProgram } = await import("./member-program.ts")
  return memberProgram(spec, { tell, led: led.promise })
}, host)
