// A whole program for main.test.ts, run as a process of its own. The argument says what it is to do.
import { systemClock } from "@sluice/ops/clock"
import { createLog } from "@sluice/ops/log"
import { main } from "@sluice/ops/main"
import { OperatorError } from "@sluice/ops/operator-error"

const [task] = process.argv.slice(2)

main(() => ({
  log: createLog({ level: "info", format: "json", service: "sample" }, { clock: systemClock }),
  service: {
    start: async () => {
      if (task === "refuse") throw new OperatorError("nothing\nworks")
      // Keeps the process alive as a listening socket would.
      setInterval(() => undefined, 60_000)
      if (task === "crash") setImmediate(() => Promise.reject(new Error("a defect")))
    },
    stop: async () => {
      if (task === "hang") await new Promise(() => undefined)
    },
  },
}))
