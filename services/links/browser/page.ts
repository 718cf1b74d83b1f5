// What the script touches of the page. The page brings all its texts; the script shows and hides them.

/** An element of the page. The page and this script come from one server at one time, so it is there. */
export function part<T extends Element = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found as unknown as T
}

/** Shows one state, or the profile, and hides the others. */
export function show(name: string): void {
  let tone = "neutral"
  for (const element of document.querySelectorAll<HTMLElement>("[data-state]")) {
    element.hidden = element.dataset["state"] !== name
    if (!element.hidden) tone = element.dataset["tone"] ?? tone
  }
  const { dataset } = part("link")
  dataset["tone"] = tone
  dataset["shown"] = name
}

/** Whether what is shown is a reason not to connect. */
export function isDanger(): boolean {
  return part("link").dataset["tone"] === "danger"
}

/** Puts text into an element and shows it; hides it when there is none. */
export function fillIn(id: string, text: string | undefined, into: string = id): void {
  part(into).textContent = text ?? ""
  part(id).hidden = text === undefined || text === ""
}
