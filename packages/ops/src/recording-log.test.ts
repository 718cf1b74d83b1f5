import { expect, it } from "vitest"
import { recordingLog, silentLog } from "./recording-log.ts"

it("keeps what it and its children were told", () => {
  const log = recordingLog()
  log.info("one", { count: 1 })
  log
    .child("a")
    .child("b")
    .debug("two", () => ({ x: 1 }))
  log.warn("three")
  expect(log.entries).toEqual([
    { level: "info", component: "", message: "one", fields: { count: 1 } },
    { level: "debug", component: "a/b", message: "two", fields: { x: 1 } },
    { level: "warn", component: "", message: "three", fields: {} },
  ])
})

it("can be silent", () => {
  silentLog.child("a").error("nothing")
  for (const level of ["warn", "info", "debug"] as const) silentLog[level]("nothing")
})
