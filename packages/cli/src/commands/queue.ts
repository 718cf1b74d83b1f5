import type { Command } from "commander"
import { secondsOption, wholeNumber } from "../arguments.ts"
import { teach } from "../teach.ts"

/** `sluice queue …` */
export function addQueue(program: Command): void {
  const queue = program
    .command("queue")
    .summary("create and use queues from scripts")
    .description(
      "A queue carries messages one way. Its recipient creates it and keeps a file of secrets; its senders get its address.\n" +
        "Messages are encrypted end to end, with one key for the life of the queue: fine for trying and for scripts; a\n" +
        "messenger puts a double ratchet inside.",
    )
  addCreate(queue)
  addSend(queue)
  addReceive(queue)
  addInfo(queue)
  addDelete(queue)
}

function addCreate(queue: Command): void {
  const command = queue
    .command("create")
    .summary("create a queue to receive from")
    .description(
      "Creates a queue and prints its address for the sender. The recipient's secrets go into the file (mode 0600). Without\n" +
        "a file they are printed as JSON in place of the address.",
    )
    .argument("[address]", "the relay (default: the one in the data folder)")
    .option("-f, --file <file>", "new file for the recipient's secrets")
    .option("--contact", "let anybody send, instead of one sender")
    .option("--json", "print JSON")
    .option("--timeout <seconds>", "for connecting, and for each answer", secondsOption, 15_000)
    .action(async (address: string | undefined, _options: unknown, self: Command) => {
      const { createQueue } = await import("../actions/queue-create.ts")
      await createQueue(address, self.optsWithGlobals())
    })
  teach(command, [
    ["sluice queue create --file inbox.json > inbox.address", "a queue on your relay"],
    ["sluice queue create smp://… -f inbox.json", "on another one"],
  ])
}

function addSend(queue: Command): void {
  const command = queue
    .command("send")
    .summary("send a message")
    .description(
      "Sends one message, encrypted for the recipient. With a state file the queue is secured on first use, so that only\n" +
        "the holder of that file can send to it from then on.",
    )
    .argument("<queue>", "the queue's address, or a file that holds it")
    .argument("[message]", "the text (default: standard input, any bytes)")
    .option("-s, --state <file>", "file for the sender's keys; made on first use")
    .option("--notify", "ask for a push notification")
    .option("--timeout <seconds>", "for connecting, and for each answer", secondsOption, 15_000)
    .action(async (address: string, message: string | undefined, _options: unknown, self: Command) => {
      const { sendMessage } = await import("../actions/queue-send.ts")
      await sendMessage(address, message, self.optsWithGlobals())
    })
  teach(command, [
    ['sluice queue send inbox.address "hello" --state sender.json', "and the queue is yours to send to"],
    ["df -h | sluice queue send inbox.address --state sender.json", "what a command prints"],
  ])
}

function addReceive(queue: Command): void {
  const command = queue
    .command("receive")
    .summary("print messages as they come")
    .description(
      "Subscribes to the queue, prints each message on standard output and acknowledges it, which deletes it from the relay.\n" +
        "Exit code 1 if --timeout passes before --count messages came.",
    )
    .argument("<file>", "the recipient's secrets, from `sluice queue create`")
    .option("-c, --count <n>", "stop after this many (default: go on until interrupted)", wholeNumber(1, 1_000_000_000))
    .option("--timeout <seconds>", "stop after this time without a message", secondsOption)
    .option("--json", "print one JSON object per line: id, time, text or base64")
    .option("--keep", "do not acknowledge; shows the first message and stops")
    .action(async (file: string, _options: unknown, self: Command) => {
      const { receiveMessages } = await import("../actions/queue-receive.ts")
      await receiveMessages(file, self.optsWithGlobals())
    })
  teach(command, [
    ["sluice queue receive inbox.json --count 1 --timeout 10", "one message, or exit code 1"],
    ["sluice queue receive inbox.json --json | jq -r .text", "for ever"],
  ])
}

function addInfo(queue: Command): void {
  const command = queue
    .command("info")
    .summary("what the relay says about a queue")
    .description("Prints whether the queue is secured and how many messages wait in it.")
    .argument("<file>", "the recipient's secrets")
    .option("--json", "print JSON")
    .option("--timeout <seconds>", "for connecting, and for each answer", secondsOption, 15_000)
    .action(async (file: string, _options: unknown, self: Command) => {
      const { queueInfo } = await import("../actions/queue-info.ts")
      await queueInfo(file, self.optsWithGlobals())
    })
  teach(command, [["sluice queue info inbox.json --json | jq .messages", "how many wait"]])
}

function addDelete(queue: Command): void {
  const command = queue
    .command("delete")
    .summary("delete a queue and what is in it")
    .description("Deletes the queue from the relay, then the file with its secrets.")
    .argument("<file>", "the recipient's secrets")
    .option("--keep-file", "leave the file")
    .option("--timeout <seconds>", "for connecting, and for each answer", secondsOption, 15_000)
    .action(async (file: string, _options: unknown, self: Command) => {
      const { deleteQueue } = await import("../actions/queue-delete.ts")
      await deleteQueue(file, self.optsWithGlobals())
    })
  teach(command, [["sluice queue delete inbox.json", "for good"]])
}
