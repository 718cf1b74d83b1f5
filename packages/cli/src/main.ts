// The entry point of `sluice`. It loads no more than the command line needs; each command loads its own work.
import { runCommandLine } from "./command-line.ts"

// A reader that has enough, `head` for example, is no failure of ours.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1))

const code = await runCommandLine(process.argv.slice(2))
// Waits until what was printed is out, and then for nothing else: a command that is done is done.
process.stdout.write("", () => process.exit(code))
