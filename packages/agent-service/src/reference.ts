import { z } from "zod"
import { EVENTS } from "./schema/events.ts"
import { outgoing } from "./schema/message-operations.ts"
import { device, push } from "./schema/notification-operations.ts"
import { NOT_OFFERED, OPERATIONS } from "./schema/operations.ts"
import { COMMANDS } from "./schema/stored-commands.ts"
import { error, serverSetting } from "./schema/values.ts"

/** One property of an object, as JSON Schema has it. */
interface Property {
  readonly type?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly items?: Property
  readonly anyOf?: readonly Property[]
  readonly oneOf?: readonly Property[]
  readonly properties?: Readonly<Record<string, Property>>
  readonly required?: readonly string[]
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Property>>
}

const INTRODUCTION = `# The agent as a local service

<!-- Made by \`sluice agent reference\` from the schema in packages/agent-service; a test compares. -->

\`sluice agent\` offers what [packages/agent](../packages/agent/README.md) does to programs in any language: calls and events as JSON
over a WebSocket on this machine. What a call or an event means is told there and in the [tutorial](tutorial-agent.md); this document
says how they look. [agent-service.schema.json](agent-service.schema.json) is the same as JSON Schema, and
[examples/python](../examples/python/) a client in Python's standard library only.

\`\`\`sh
SLUICE_AGENT_RELAYS="$(sluice address)" sluice agent     # with a user on the relay of the data folder
\`\`\`

## Connecting

\`ws://127.0.0.1:5225/agent\`, with the header \`Authorization: Bearer TOKEN\`. The token is in \`agent/token\` in the data folder, a file
that only its owner can read; it is made at the first start. Whoever has it has the agent: its connections and messages.

- Requests with an \`Origin\` header, those of web pages, are refused unless \`agent.origins\` names the origin. A page has no way to set
  headers: it offers the subprotocols \`sluice-agent\` and \`bearer.TOKEN\`.
- Requests for another host name than the machine's own are refused, so that no name of a stranger can be pointed here.
- Addresses that other machines reach need \`agent.remote = true\`. There is no TLS: that is for a proxy in front.

## Frames

Text frames, one JSON object each, of at most 1 MiB from the program to the service.

| direction    | frame                                             |                                                            |
| ------------ | ------------------------------------------------- | ---------------------------------------------------------- |
| from service | \`{"hello":{"service","version","protocol":1}}\`    | the first one                                              |
| to service   | \`{"id":7,"call":"users","params":{}}\`             | a call; \`id\` is a number or a text of the program's choice |
| from service | \`{"id":7,"result":{…}}\` or \`{"id":7,"error":{…}}\` | its answer; answers come in any order                      |
| from service | \`{"event":{"type":"message",…}}\`                  | an event, to programs that have called \`listen\`            |

Bytes are texts in base64url with padding; numbers of 64 bits are texts of digits. Fields that are absent have no value. Readers should
ignore fields and events that they do not know.

\`listen\` begins with all events that no program has answered yet: messages and receipts that are not acknowledged, requests and
confirmations that are not decided. So nothing is lost while no program is connected, and a program that crashes sees again what it had
not answered. Several programs may listen: all get every event, and the first answer counts.

A program that does not read is cut off when \`agent.send_buffer\` waits for it. At most \`agent.max_calls\` of its calls are answered at
the same time; more get the error \`BUSY\`. On SIGTERM the service answers what it has begun, closes the connections with code 1001 and
stops the agent. All settings are in [settings.md](settings.md).

Everything that the library can do is here, except that a call can not be taken back, and:

${Object.entries(NOT_OFFERED)
  .map(([name, why]) => `- \`${name}\`. ${why}`)
  .join("\n")}

Push notifications are for the program's own device: one that is connected hears of everything at once.
`

/** The whole document, from the schema. */
export function referenceDocument(): string {
  const calls = Object.entries(OPERATIONS).map(([name, { summary, params, result }]) =>
    section(`\`${name}\``, summary, [
      ["takes", propertiesOf(params, "input")],
      ["gives", propertiesOf(result, "output")],
    ]),
  )
  const events = EVENTS.map((event) => {
    const { type: _, ...rest } = event.shape
    const fields = propertiesOf(z.object(rest), "output")
    return section(`\`${event.shape.type.value}\``, event.description ?? "", [["holds", fields]])
  })
  const types = [
    section("ServerSetting", "A server of a user.", [["holds", propertiesOf(serverSetting, "input")]]),
    section("OutgoingMessage", "One of the messages of `sendMessages`.", [["holds", propertiesOf(outgoing, "input")]]),
    ...COMMANDS.map((command) => {
      const { type, ...rest } = command.shape
      const fields = propertiesOf(z.strictObject(rest), "input")
      return section(`Command, type \`${type.value}\``, command.description ?? "", [["holds", fields]])
    }),
    section("Device", "Where pushes go.", [["holds", propertiesOf(device, "input")]]),
    section("Push", "What came with one.", [["holds", propertiesOf(push, "input")]]),
    section("Error", "Why a call, or something else, failed.", [["holds", propertiesOf(error, "output")]]),
  ]
  return `${[INTRODUCTION, "## Calls\n", ...calls, "## Events\n", ...events, "## Types\n", ...types].join("\n").trimEnd()}\n`
}

type Row = readonly [name: string, type: string, description: string]

function section(title: string, summary: string, parts: readonly (readonly [string, readonly Row[]])[]): string {
  const tables = parts.map(([verb, rows]) => (rows.length === 0 ? "" : `\n${table([verb, "", ""], rows)}\n`))
  return `### ${title}\n\n${summary}\n${tables.join("")}`
}

function propertiesOf(schema: z.ZodType, io: "input" | "output"): Row[] {
  const json = z.toJSONSchema(schema, { io, unrepresentable: "any", reused: "inline" }) as Property
  // A type that has a name is a reference to itself.
  return rowsOf((json.$ref && json.$defs?.[nameOf(json.$ref)]) || json)
}

function rowsOf({ properties = {}, required = [] }: Property): Row[] {
  return Object.entries(properties).map(([name, property]) => {
    const optional = required.includes(name) ? "" : ", optional"
    return [`\`${name}\``, `${typeOf(property)}${optional}`, (property.description ?? "").replaceAll("|", "\\|")]
  })
}

function typeOf({ $ref, type, enum: words, const: word, items, anyOf, oneOf, properties }: Property): string {
  if ($ref !== undefined) return nameOf($ref)
  if (words !== undefined) return words.map((one) => `\`${one}\``).join(", ")
  if (word !== undefined) return `\`${word}\``
  const choices = anyOf ?? oneOf
  if (choices !== undefined) return choices.map(typeOf).join(" or ")
  if (items !== undefined) return `list of ${typeOf(items)}`
  if (type === "object" && properties !== undefined) return `{ ${Object.keys(properties).join(", ")} }`
  return type ?? "any"
}

function nameOf($ref: string): string {
  return $ref.split("/").at(-1) ?? "object"
}

/** A table as the formatter of this repository would leave it. */
function table(head: Row, rows: readonly Row[]): string {
  const all = [head, ...rows]
  const widths = [0, 1, 2].map((column) => Math.max(3, ...all.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join(" | ")} |`
  return [line(head), `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`, ...rows.map(line)].join("\n")
}
