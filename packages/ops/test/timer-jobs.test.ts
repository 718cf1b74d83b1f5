import { systemClock } from "../src/clock.ts"
import { timerJobs } from "../src/timer-jobs.ts"
import { jobRunnerContract } from "./job-runner-contract.ts"

jobRunnerContract("timers", ({ log, metrics, shortestBackOff }) =>
  timerJobs({ jitter: 0, shortestBackOff }, { clock: systemClock, log, register: metrics.register, random: () => 0.5 }),
)
