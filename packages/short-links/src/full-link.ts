import { fromLatin1, latin1, utf8 } from "@sluice/encoding/bytes"
import { formatVersionRange, parseVersionRange, type VersionRange } from "@sluice/encoding/version"
import { asNonEmpty, type ConnectionRequest, type RequestData } from "./connection-request.ts"
import { formatE2eParameters, parseE2eParameters } from "./e2e-parameters.ts"
import type { LinkField } from "./errors.ts"
import { lenientUtf8 } from "./lenient-utf8.ts"
import { LinkScanner, readField, syntax } from "./link-text.ts"
import { formatQuery, parseQuery, type Query } from "./query.ts"
import { formatQueueUri, parseQueueUri } from "./queue-uri.ts"

/** The oldest version of the agent protocol that is still spoken. */
const MIN_AGENT_VERSION = 2

/**
 * Reads a full link (agent.md §2): `simplex:/invitation#/?…`, `https://host/contact#/?…`. The site that it names is not
 * kept, it has no meaning. Throws `LinkError` "SYNTAX".
 */
export function parseFullLink(text: string): ConnectionRequest {
  const scanner = new LinkScanner(text)
  skipOrigin(scanner)
  scanner.expect("/", "type")
  const kind = scanner.skip("invitation") ? "invitation" : scanner.skip("contact") ? "contact" : syntax("type")
  scanner.skip("/")
  scanner.expect("#/?", "type")
  const query = parseQuery(scanner.until(/[ \n]/))
  scanner.end()

  const agentVersions = readField("version", () => parseVersionRange(parameter(query, "v", "version")))
  const queues = readField("queue", () => asNonEmpty(parameter(query, "smp", "queue").split(";").map(parseQueueUri)))
  const clientText = query.get("data")
  const clientData = clientText === undefined ? undefined : lenientUtf8(latin1(clientText))
  if (kind === "contact") return { kind, agentVersions: spokenToday(agentVersions), queues, clientData }
  const e2e = readField("e2e", () => parseE2eParameters(parameter(query, "e2e", "e2e")))
  return { kind, agentVersions, queues, clientData, e2e }
}

/**
 * The text of a connection request. `origin` is what it begins with: `simplex:` for the app, or a site that shows a page
 * for it, such as `https://simplex.chat`.
 */
export function formatFullLink(request: ConnectionRequest, origin: string = "simplex:"): string {
  const e2e = request.kind === "invitation" ? formatE2eParameters(request.e2e) : undefined
  return `${origin}/${request.kind}#/?${formatQuery([...parametersOf(request), ["e2e", e2e], ["data", dataOf(request)]])}`
}

function parametersOf(request: RequestData): [string, string][] {
  return [
    ["v", formatVersionRange(request.agentVersions)],
    ["smp", request.queues.map(formatQueueUri).join(";")],
  ]
}

function dataOf(request: RequestData): string | undefined {
  return request.clientData === undefined ? undefined : fromLatin1(utf8(request.clientData))
}

function skipOrigin(scanner: LinkScanner): void {
  if (scanner.skip("simplex:")) return
  scanner.expect("https://", "scheme")
  scanner.host()
  if (scanner.skip(":") && !/^\d+$/.test(scanner.until(/\//))) syntax("port")
}

function parameter(query: Query, name: string, field: LinkField): string {
  return query.get(name) ?? syntax(field)
}

/** Old addresses name versions that are no longer spoken; they are lifted to the oldest that is. */
function spokenToday(range: VersionRange): VersionRange {
  const min = Math.max(MIN_AGENT_VERSION, range.min)
  return { min, max: Math.max(min, range.max) }
}
