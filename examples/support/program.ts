// What all examples do at their beginning: read the command line, and play both sides when asked to.
import { parseArgs } from "node:util"
import { loopbackRelay } from "./loopback-relay.ts"

/** An example as a program. */
export interface Example {
  /** How it is used, without `node examples/`. */
  readonly usage: string
  /** How many relays the self-test needs. */
  readonly relays: number
  /** Does what the example is for; `undefined` when the arguments do not fit. */
  run(args: readonly string[]): Promise<void> | undefined
  /** Plays both sides; rejects when something is not as it should be. */
  selfTest(relays: readonly string[]): Promise<void>
}

/**
 * Runs an example. With `--self-test` it plays both sides against the relays whose addresses follow, or against relays of
 * its own on loopback where they are missing, and leaves with code 0 when all went as it should.
 */
export async function runExample(example: Example): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { "self-test": { type: "boolean", default: false } },
    allowPositionals: true,
  })
  try {
    if (values["self-test"]) {
      await withRelays(positionals, example.relays, (addresses) => example.selfTest(addresses))
      console.log("self-test: ok")
      // A relay in this process has nothing left to do.
      process.exit(0)
    }
    await (example.run(positionals) ?? Promise.reject(new Error(`usage: node examples/${example.usage}`)))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}

/** Calls with `count` addresses: those given, then those of relays that live as long as the call. */
export async function withRelays<T>(
  given: readonly string[],
  count: number,
  use: (addresses: readonly string[]) => Promise<T>,
): Promise<T> {
  if (given.length >= count) return await use(given)
  await using relay = await loopbackRelay()
  return await withRelays([...given, relay.address], count, use)
}
