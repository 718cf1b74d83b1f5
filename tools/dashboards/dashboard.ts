// Dashboards of Grafana from a short description, so that all of them look alike and a change is one line.

/** One curve, or a group of them with the same expression. */
export interface Curve {
  /** PromQL. */
  readonly expr: string
  /** How it is called; `{{label}}` stands for the value of a label. */
  readonly legend: string
}

export interface Panel {
  readonly title: string
  /** What it tells, for who looks at it for the first time. */
  readonly help?: string
  /** A unit of Grafana, such as `s`, `bytes`, `reqps`. */
  readonly unit: string
  readonly curves: readonly Curve[]
  /** One number in place of curves over time. */
  readonly single?: true
}

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Dashboard {
  /** Part of its address in Grafana; must not change. */
  readonly uid: string
  readonly title: string
  /** The value of the label `job` of what it shows. */
  readonly job: string
  readonly rows: readonly Row[]
}

/** Width of the grid of Grafana, and heights, in its units. */
const WIDTH = 24
const ROW = 1
const HEIGHT = { graph: 8, single: 4 } as const
/** Graphs and single figures beside each other. */
const ACROSS = { graph: 3, single: 6 } as const

const DATASOURCE = { type: "prometheus", uid: "$datasource" } as const

/** The dashboard as Grafana imports it. */
export function renderDashboard({ uid, title, job, rows }: Dashboard): object {
  let y = 0
  let id = 0
  const panels: object[] = []
  for (const row of rows) {
    panels.push({
      id: ++id,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: ROW },
      panels: [],
    })
    y += ROW
    let x = 0
    let tallest = 0
    for (const panel of row.panels) {
      const form = panel.single ? "single" : "graph"
      const [w, h] = [WIDTH / ACROSS[form], HEIGHT[form]]
      if (x + w > WIDTH) {
        x = 0
        y += tallest
        tallest = 0
      }
      panels.push(renderPanel(panel, ++id, { x, y, w, h }))
      x += w
      tallest = Math.max(tallest, h)
    }
    y += tallest
  }
  return {
    uid,
    title,
    tags: ["sluice"],
    schemaVersion: 41,
    timezone: "utc",
    refresh: "30s",
    time: { from: "now-6h", to: "now" },
    editable: false,
    templating: { list: [datasource(), instances(job)] },
    panels,
  }
}

function renderPanel({ title, help, unit, curves, single }: Panel, id: number, gridPos: object): object {
  return {
    id,
    type: single ? "stat" : "timeseries",
    title,
    ...(help !== undefined && { description: help }),
    gridPos,
    datasource: DATASOURCE,
    fieldConfig: {
      defaults: { unit, min: 0, ...(!single && { custom: { fillOpacity: 10, showPoints: "never" } }) },
      overrides: [],
    },
    options: single ? { reduceOptions: { calcs: ["lastNotNull"] } } : { tooltip: { mode: "multi", sort: "desc" } },
    targets: curves.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + index),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      ...(single && { instant: true }),
    })),
  }
}

function datasource(): object {
  return { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", hide: 0 }
}

function instances(job: string): object {
  return {
    name: "instance",
    label: "Instance",
    type: "query",
    datasource: DATASOURCE,
    query: { query: `label_values(up{job="${job}"}, instance)`, refId: "instance" },
    refresh: 2,
    includeAll: true,
    allValue: ".*",
    multi: true,
    current: { text: "All", value: "$__all" },
  }
}
