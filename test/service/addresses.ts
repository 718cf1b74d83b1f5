import { setImmediate } from "node:timers/promises"
import type { ServerAddress } from "@sluice/encoding/server-address"
import type { TestRelay } from "../support/relay.ts"

/** The address of a relay, or of a port that leads to it. */
export function addressOf({ relay, port: own }: TestRelay, port: number = own): ServerAddress {
  return { scheme: "smp", keyHash: relay.fingerprint, hosts: ["127.0.0.1"], port: String(port) }
}

/** Waits, turn by turn of the event loop, until `holds`; the runner's time limit ends it otherwise. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setImmediate()
}
