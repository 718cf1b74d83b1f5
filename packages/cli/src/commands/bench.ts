import { MODES } from "@sluice/load/report"
import { type Command, Option } from "commander"
import { secondsOption, wholeNumber } from "../arguments.ts"
import { teach } from "../teach.ts"

/** `sluice bench …` */
export function addBench(program: Command): void {
  const bench = program
    .command("bench")
    .summary("measure a relay")
    .description("Puts load on a server of yours and reports throughput, latencies, errors and what it cost.")
  const relay = bench
    .command("relay")
    .summary("measure an SMP relay by its address")
    .description(
      "Puts load on an SMP server of version 9 or later, on this machine unless --allow-remote is given:\n" +
        "  messages   senders → relay → recipients that acknowledge\n" +
        "  connect    connections, one after the other and then several at a time\n" +
        "  queues     creation of queues\n" +
        "  subscribe  all recipients come back at once, on new connections\n" +
        "  idle       memory for each connection and subscription; needs --pid\n" +
        "  restart    from the start of the server to its first message; needs --pid and --command\n" +
        "With --pid also CPU time and memory of the server (Linux). Queues are deleted in the end.\n" +
        "The CPU time of this program is reported too: near a whole core it is what limits the figures.",
    )
    .argument("[address]", "smp://fingerprint[:password]@host[:port] (default: the relay in the data folder)")
    .addOption(new Option("-m, --mode <mode>", "what to measure").choices([...MODES]).default("messages"))
    .addOption(
      new Option("--auth <kind>", "keys that authorize commands").choices(["x25519", "ed25519"]).default("x25519"),
    )
    .option("--smp-version <n>", "highest protocol version to offer", wholeNumber(9, 20), 20)
    .option("--pid <pid>", "process of the server, for its CPU time and memory", wholeNumber(1, 4_194_304))
    .addOption(
      new Option("--timeout <seconds>", "for connecting, and for each answer")
        .argParser(secondsOption)
        .default(30_000, "30"),
    )
    .option("--allow-remote", "also a server on another machine")
    .option("--json", "print JSON")
    .option("--svg <file>", "write a plot of the latencies")
  addModeOptions(relay)
  relay.action(async (address: string | undefined, _options: unknown, self: Command) => {
    const { benchRelay } = await import("../actions/bench-relay.ts")
    await benchRelay(address, self.optsWithGlobals())
  })
  teach(relay, [
    ['sluice bench relay "$(sluice address)" --pid 4711', "messages for ten seconds, and what the relay used for them"],
    ["sluice bench relay --rate 500 --seconds 60 --svg latencies.svg", "latencies at a given load"],
    ["sluice bench relay --mode idle --connections 4000 --pid 4711", "memory of idle connections"],
  ])
}

/** Options without a default here: which one an option has, and whether it is allowed, is a matter of the mode. */
function addModeOptions(command: Command): void {
  command
    .option("-s, --seconds <seconds>", "messages: how long (default: 10, without --count)", secondsOption)
    .option(
      "-n, --count <n>",
      "messages, connect, queues, restart: how many (200; 2000 queues)",
      wholeNumber(1, 10_000_000),
    )
    .option("--pairs <n>", "messages: pairs of sender and recipient (32)", wholeNumber(1, 5000))
    .option("--window <n>", "messages: of each pair on their way at a time (1; 32 with --rate)", wholeNumber(1, 1000))
    .option("--body <bytes>", "messages: their length (16048)", wholeNumber(0, 16_048))
    .option("--rate <n>", "messages: per second, all pairs together (as many as possible)", wholeNumber(1, 1_000_000))
    .option("--proxy <address>", "messages: send through this proxy")
    .option("--warm-up <n>", "messages: of each pair before measuring (20)", wholeNumber(0, 10_000))
    .option("--parallel <n>", "connect: connections in the making at a time (16)", wholeNumber(1, 1000))
    .option("--per-block <n>", "queues: created with one block (20)", wholeNumber(1, 60))
    .option("--keep", "queues: leave them on the server")
    .option("--connections <n>", "queues, subscribe, idle: how many (4, 100, 1000)", wholeNumber(1, 20_000))
    .option("--subscriptions <n>", "subscribe: in all (10000); idle: of each (1)", wholeNumber(1, 200_000))
    .option("--settle <seconds>", "idle: before memory is read (2)", secondsOption)
    .option("--command <line>", "restart: starts the server after --pid was ended with SIGTERM")
}
