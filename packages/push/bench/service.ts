// The service that bench/apns.ts sends to, as a process of its own: answers 200 and keeps nothing. Of the requests for the
// device `goaway`, every 200th one is refused by GOAWAY together with those behind it on its connection.
import { type Answer, StandIn } from "../test/stand-in.ts"

const answer: Answer = { status: 200, headers: { "apns-id": "bench" } }
let requests = 0
const service = await new StandIn(
  ({ path }) => (path.endsWith("/goaway") && ++requests % 200 === 0 ? "goaway-before" : answer),
  () => answer,
).start()
process.send?.({ origin: service.origin, ca: service.ca })
process.once("disconnect", () => void service.stop())
