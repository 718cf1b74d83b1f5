import { isIP } from "node:net"
import { type Bind, bindOf, formatBind } from "@sluice/ops/bind"
import { type Finding, fine, problem, warning } from "./finding.ts"
import type { Patient } from "./patient.ts"

/** Ports that can be listened on, addresses that the machine has, and names that lead to it. */
export async function checkNetwork(patient: Patient): Promise<Finding[]> {
  const { section, bind, port, admin, hosts } = patient.subject
  const isRunning = await answers(patient)
  const findings: Finding[] = []
  for (const address of bind)
    findings.push(...(await checkListening(patient, bindOf(address, port), section, isRunning)))
  findings.push(...(await checkListening(patient, bindOf(admin.bind, admin.port), "admin", isRunning)))
  if (admin.bind !== "127.0.0.1" && admin.bind !== "::1" && admin.bind !== "localhost") {
    const advice = "let only Prometheus and balancers reach it: a firewall or network policy, or admin.bind 127.0.0.1"
    findings.push(warning("admin.public", `the port for operators listens on ${admin.bind}, without TLS`, advice))
  }
  const names = await Promise.all(hosts.map((host) => checkHost(patient, host)))
  return [...findings, ...names.flat()]
}

async function checkListening(
  { machine }: Patient,
  bind: Bind,
  section: string,
  isRunning: boolean,
): Promise<Finding[]> {
  const place = formatBind(bind)
  const code = await machine.tryListening(bind)
  switch (code) {
    case undefined:
      return [fine(`${section}.port`, `${place} can be listened on`)]
    case "EADDRINUSE":
      if (isRunning) return [fine(`${section}.port`, `${place} is taken, by this service, which is running`)]
      return [
        problem(
          "ports.taken",
          `another program listens on ${place}`,
          `find it with \`ss -ltnp\`, or change ${section}.port`,
        ),
      ]
    case "EACCES":
      return [
        problem(
          "ports.forbidden",
          `this user may not listen on ${place}`,
          "give it CAP_NET_BIND_SERVICE, as the systemd unit does, or use a port above 1023",
        ),
      ]
    case "EADDRNOTAVAIL":
      return [
        problem(
          "bind.foreign",
          `this machine has no address ${bind.host}`,
          `name one that \`ip address\` shows in ${section}.bind, or *`,
        ),
      ]
    case "EAFNOSUPPORT":
      return [
        problem(
          "bind.family",
          `${place}: the system has no such kind of address`,
          `take IPv6 addresses out of ${section}.bind, or enable IPv6`,
        ),
      ]
    default:
      return [
        problem(
          "bind.failed",
          `${place} cannot be listened on (${code})`,
          `look at ${section}.bind and ${section}.port`,
        ),
      ]
  }
}

async function checkHost({ machine, subject }: Patient, host: string): Promise<Finding[]> {
  if (host === "localhost" || host.startsWith("127.")) {
    return [
      warning(
        "host.local",
        `the address names ${host}, which only this machine understands`,
        `set ${subject.section}.host to the name that clients use`,
      ),
    ]
  }
  if (host.endsWith(".onion") || isIP(host) !== 0) return [fine("host", `${host} needs no name server`)]
  const addresses = await machine.addressesOf(host)
  if (addresses.length === 0) {
    return [
      problem(
        "host.unknown",
        `no name server knows ${host}`,
        "add its A and AAAA records, or correct the name; then clients can find it",
      ),
    ]
  }
  const unreachable = addresses.filter((address) => {
    const family = isIP(address) === 6 ? "IPv6" : "IPv4"
    return !machine.has(family) || !listens(subject.bind, family)
  })
  if (unreachable.length > 0) {
    const advice = 'listen there ("*" is both IPv4 and IPv6), or take the record away: clients try it first and wait'
    return [
      warning("host.family", `${host} leads to ${unreachable.join(", ")}, where this machine does not listen`, advice),
    ]
  }
  return [fine("host", `${host} leads to ${addresses.join(", ")}`)]
}

function listens(binds: readonly string[], family: "IPv4" | "IPv6"): boolean {
  return binds.some((bind) => bind === "*" || bind === "::" || isIP(bind) === (family === "IPv6" ? 6 : 4))
}

/** Whether a service of these settings is running. */
async function answers({ subject, machine }: Patient): Promise<boolean> {
  const { bind, port } = subject.admin
  if (port === 0) return false
  const host = bind === "*" || bind === "0.0.0.0" || bind === "::" ? "127.0.0.1" : bind
  return (await machine.status(`http://${formatBind({ host, port })}/healthz`)) === 200
}
