// What the script touches of the page. The page brings all its texts; the script shows and hides them.

/** An element of the page. The page and this script come from one server at one time, so it is there. */
export function part<T extends Element = HTMLElement>(id: string): T {
  const found = document.getElementById(id)
  if (found === null) throw new Error(`the page has no #${id}`)
  return found as unknown as T
}

/** Shows one state, or the profile, and hides the others. Tells whether the link can be used after that. */
export function show(name: string): boolean {
  let usable = true
  for (const element of document.querySelectorAll<HTMLElement>("[data-state]")) {
    element.hidden = element.dataset["state"] !== name
    if (!element.hidden) usable = !("dead" in element.dataset)
  }
  const main = part("link")
  main.classList.toggle("alone", !usable)
  main.dataset["shown"] = name
  return usable
}

/** Puts text into an element and shows it; hides it when there is none. */
export function fillIn(id: string, text: string | undefined, into: string = id): void {
  part(into).textContent = text ?? ""
  part(id).hidden = text === undefined || text === ""
}
