import { choice, text, url } from "@sluice/ops/kinds"
import { type ConfigOf, group, optional } from "@sluice/ops/settings"

const COUNTRY = { pattern: /^[A-Z]{2}$/, allowed: "two capital letters (ISO 3166)" } as const
const PGP = { pattern: /^[0-9A-Fa-f ]{40,64}$/, allowed: "a fingerprint of 40 hexadecimal digits or more" } as const
const EMAIL = { pattern: /^[^\s@<>]+@[^\s@<>]+$/, allowed: "an e-mail address" } as const

/**
 * `[links.information]`: what the operator tells everybody, with the reference's names (relay-operations.md §3). All of
 * it is optional, and shown as it is given.
 */
export const informationSettings = group("What the page about this server says.", {
  operator: optional(text({ maxLength: 200 }), { help: "Who runs the server.", example: "Example Ltd" }),
  operatorCountry: optional(text(COUNTRY), { help: "Where the operator is.", example: "CH" }),
  website: optional(url(), { help: "Website of the operator.", example: "https://example.com/" }),
  serverCountry: optional(text(COUNTRY), { help: "Where the server is.", example: "CH" }),
  hosting: optional(text({ maxLength: 200 }), { help: "Who owns the machine.", example: "Example Hosting" }),
  hostingCountry: optional(text(COUNTRY), { help: "Where that company is.", example: "CH" }),
  hostingType: optional(choice("virtual", "dedicated", "colocation", "owned"), { help: "What kind of machine it is." }),
  usageConditions: optional(url(), { help: "Conditions of use.", example: "https://example.com/conditions" }),
  conditionAmendments: optional(url(), { help: "What differs from conditions that are common to several operators." }),
  adminSimplex: optional(url(["https"]), { help: "SimpleX address of the administrator." }),
  adminEmail: optional(text(EMAIL), { help: "E-mail address of the administrator." }),
  adminPgp: optional(url(), { help: "Where the administrator's PGP key is; shown with its fingerprint only." }),
  adminPgpFingerprint: optional(text(PGP), { help: "Fingerprint of that key." }),
  complaintsSimplex: optional(url(["https"]), { help: "SimpleX address for complaints." }),
  complaintsEmail: optional(text(EMAIL), { help: "E-mail address for complaints.", example: "abuse@example.com" }),
  complaintsPgp: optional(url(), { help: "Where the PGP key for complaints is; shown with its fingerprint only." }),
  complaintsPgpFingerprint: optional(text(PGP), { help: "Fingerprint of that key." }),
  sourceCode: optional(url(), {
    help: "Where the source of this server is; its licence (AGPL) asks for it if you changed it.",
    example: "https://example.com/source",
  }),
})

/** The checked section. */
export type Information = ConfigOf<typeof informationSettings.entries>
