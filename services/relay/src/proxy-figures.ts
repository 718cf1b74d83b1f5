import type { OutcomeCounters, ProxyMetrics } from "@sluice/proxying/metrics"
import type { ProxyFigures, ProxyOutcomes } from "./daily-line.ts"

/** What a proxy counted, by the names of the daily line. */
export function proxyFigures({ sessions, messages }: ProxyMetrics): ProxyFigures {
  return {
    relays: outcomes(sessions.all),
    relaysOwn: outcomes(sessions.own),
    forwards: outcomes(messages.all),
    forwardsOwn: outcomes(messages.own),
  }
}

function outcomes({ requests, successes, errors }: OutcomeCounters): ProxyOutcomes {
  return {
    requests: requests.value,
    successes: successes.value,
    errorsConnect: errors.connect.value,
    errorsCompat: errors.compat.value,
    errorsOther: errors.other.value,
  }
}
