import type { Command } from "commander"
import { wholeNumber } from "../arguments.ts"
import { teach } from "../teach.ts"

/** `sluice cert …` */
export function addCert(program: Command): void {
  const cert = program
    .command("cert")
    .summary("show or rotate the relay's certificates")
    .description(
      "The relay has two certificates. The identity (ca.crt) is its address and stays for ever; ca.key belongs on another\n" +
        "machine. The online one (server.crt, server.key) is used in connections and can be replaced at any time.",
    )
  const show = cert
    .command("show")
    .summary("what the certificates are, and how long they last")
    .description("Prints the chain that clients get: role, algorithm, dates, fingerprint.")
    .option("--json", "print JSON")
    .action(async (_options: unknown, self: Command) => {
      const { showCertificates } = await import("../actions/cert.ts")
      await showCertificates(self.optsWithGlobals())
    })
  teach(show, [["sluice cert show", "the chain of the relay in ./data"]])
  const rotate = cert
    .command("rotate")
    .summary("make a new online certificate")
    .description(
      "Makes a new online certificate and key, signed by ca.key. The address stays the same. A running relay takes them\n" +
        "over when it gets SIGHUP; connections go on.",
    )
    .option("--ed25519", "with an Ed25519 key (default: as the present one)")
    .option("--ed448", "with an Ed448 key")
    .option(
      "--days <days>",
      "how long it is valid (default: 999999, as in the reference server)",
      wholeNumber(1, 999_999),
    )
    .action(async (_options: unknown, self: Command) => {
      const { rotateCertificate } = await import("../actions/cert.ts")
      await rotateCertificate(self.optsWithGlobals())
    })
  teach(rotate, [
    ["sluice cert rotate", "new key, same address"],
    ["sluice cert rotate --days 90", "one that has to be rotated again in time"],
  ])
  const fingerprint = cert
    .command("fingerprint")
    .summary("print the fingerprint that is in the address")
    .description("Prints SHA-256 of the identity certificate in base64url, alone on one line.")
    .action(async (_options: unknown, self: Command) => {
      const { printFingerprint } = await import("../actions/cert.ts")
      await printFingerprint(self.optsWithGlobals())
    })
  teach(fingerprint, [["sluice cert fingerprint", "to compare with an address that you were given"]])
}
