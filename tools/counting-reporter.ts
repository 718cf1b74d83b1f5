import type { Reporter, TestModule } from "vitest/node"

/** Counts test cases over the whole run; a module that could not be loaded counts as a failure. */
export class CountingReporter implements Reporter {
  passed = 0
  failed = 0
  skipped = 0

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    this.failed += unhandled.length
    for (const module of modules) {
      if (module.errors().length > 0) this.failed++
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === "passed") this.passed++
        else if (state === "failed") this.failed++
        else this.skipped++
      }
    }
  }

  summary(): string {
    return `${this.passed} passed, ${this.failed} failed${this.skipped > 0 ? `, ${this.skipped} skipped` : ""}`
  }
}
