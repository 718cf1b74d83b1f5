import type { SyntaxNode } from "@lezer/common"
import { parser } from "@prometheus-io/lezer-promql"

/** Which series an expression asks for. */
export interface Selector {
  readonly metric: string
  readonly matchers: readonly Matcher[]
}

export interface Matcher {
  readonly label: string
  readonly operator: string
  readonly value: string
}

/** What an expression needs. Throws where it is no PromQL. */
export function readPromql(expression: string): readonly Selector[] {
  const selectors: Selector[] = []
  const textOf = (node: SyntaxNode | null): string => (node === null ? "" : expression.slice(node.from, node.to))
  parser.parse(expression).iterate({
    enter({ type, node, from }) {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expression.slice(from, from + 20)} in ${expression}`)
      if (type.name !== "VectorSelector") return
      const matchers: Matcher[] = []
      node.cursor().iterate(({ name, node: inner }) => {
        // A matcher is a label's name, an operator and a text.
        if (!/^(?:Unquoted|Quoted)LabelMatcher$/.test(name)) return
        const [label, operator, value] = [inner.firstChild, inner.firstChild?.nextSibling ?? null, inner.lastChild].map(
          textOf,
        )
        matchers.push({ label: label ?? "", operator: operator ?? "", value: (value ?? "").slice(1, -1) })
      })
      selectors.push({ metric: textOf(node.getChild("Identifier")), matchers })
    },
  })
  if (selectors.length === 0) throw new Error(`no series in ${expression}`)
  return selectors
}

/** The variables of Grafana replaced by what it could put there. */
export function withoutVariables(expression: string): string {
  return expression.replaceAll("$__rate_interval", "5m").replaceAll("$instance", ".*")
}
