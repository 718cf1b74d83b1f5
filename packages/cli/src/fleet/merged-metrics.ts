interface Family {
  readonly head: string[]
  readonly samples: string[]
}

/** What one process serves in the Prometheus text format, and the label value that tells it from the others. */
export interface Exposition {
  /** Without one, the samples stay as they are. */
  readonly worker?: string
  readonly text: string
}

const NAME = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{)?/

/**
 * The metrics of several processes as one text: each sample gets the label `worker`, each family stands in one place with
 * the description that came first. Nothing is added up: what each process counts and what all of them see of the same
 * store cannot be told apart by their names, but by whoever writes a query.
 */
export function mergeMetrics(expositions: readonly Exposition[]): string {
  const families = new Map<string, Family>()
  for (const { worker, text } of expositions) {
    let current: Family = { head: [], samples: [] }
    for (const line of text.split("\n")) {
      if (line === "") continue
      if (!line.startsWith("#")) {
        current.samples.push(worker === undefined ? line : labelled(line, worker))
        continue
      }
      const [, , name = ""] = line.split(" ", 3)
      const known = families.get(name)
      if (known === undefined) families.set(name, { head: [line], samples: [] })
      else if (!known.head.some((head) => sameKind(head, line))) known.head.push(line)
      current = families.get(name) ?? current
    }
  }
  return [...families.values()].flatMap(({ head, samples }) => [...head, ...samples, ""]).join("\n")
}

function sameKind(a: string, b: string): boolean {
  return a.slice(0, 6) === b.slice(0, 6)
}

function labelled(sample: string, worker: string): string {
  const match = NAME.exec(sample)
  if (match === null) return sample
  const [all, name = "", brace] = match
  const rest = sample.slice(all.length)
  return brace === undefined ? `${name}{worker="${worker}"}${rest}` : `${name}{worker="${worker}",${rest}`
}
