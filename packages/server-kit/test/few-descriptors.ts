// A server in a process that has few file descriptors, for the test of what it does without any left. Tells its parent
// where it listens and who it is, and ends with it.
import { toHex } from "@sluice/encoding/bytes"
import { serve } from "./toy.ts"

const fixture = await serve()
process.send?.({ port: fixture.port(), fingerprint: toHex(fixture.credentials.fingerprint) })
process.on("disconnect", () => void fixture.server.stop(AbortSignal.abort()))
