/** Builds elements. Strings become text nodes, so no label can become markup. */

type Child = Node | string | undefined | false;

/** `h("p", { class: "note" }, "text")`; undefined and false children are left out. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== undefined && child !== false));
  return element;
}

/** A row of buttons, one of them pressed. */
export function chips(
  labels: readonly string[],
  options: { label: string; chosen: number; choose(index: number): void },
): HTMLElement {
  const buttons = labels.map((label, index) => {
    const button = h(
      "button",
      { type: "button", "aria-pressed": String(index === options.chosen) },
      label,
    );
    button.addEventListener("click", () => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      options.choose(index);
    });
    return button;
  });
  return h(
    "div",
    { class: "chips", role: "group", "aria-label": options.label },
    h("span", {}, options.label),
    ...buttons,
  );
}

/** More buttons than this are a list to open. */
const CHIPS = 24;

/** Chooses one of several: buttons, or a list where these would fill the page; nothing where there is no choice. */
export function chooser(
  labels: readonly string[],
  options: { label: string; chosen: number; choose(index: number): void },
): HTMLElement | undefined {
  if (labels.length < 2) return undefined;
  if (labels.length <= CHIPS) return chips(labels, options);
  const list = h("select", {}, ...labels.map((label) => h("option", {}, label)));
  list.selectedIndex = options.chosen;
  list.addEventListener("change", () => options.choose(list.selectedIndex));
  return h("label", { class: "chips" }, h("span", {}, options.label), list);
}

/** One to three sentences under a section's title. */
export function section(
  id: string,
  title: string,
  lead: string,
  ...children: Child[]
): HTMLElement {
  return h(
    "section",
    { id },
    h("h2", {}, title),
    lead !== "" && h("p", { class: "lead" }, lead),
    ...children,
  );
}

type Row = readonly (Node | string)[];

/** A table; the first column is text, all others are right-aligned figures. */
export function table(head: readonly string[], rows: readonly Row[]): HTMLElement {
  return groupedTable(head, [{ title: "", note: "", rows }]);
}

/** A table in groups, each under a line with its title. */
export function groupedTable(
  head: readonly string[],
  groups: readonly { title: string; note: string; rows: readonly Row[] }[],
): HTMLElement {
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))),
      ...groups.map(({ title, note, rows }) =>
        h(
          "tbody",
          {},
          title !== "" && groupLine(title, { note, columns: head.length }),
          ...rows.map((row) => h("tr", {}, ...row.map((cell) => h("td", {}, cell)))),
        ),
      ),
    ),
  );
}

function groupLine(title: string, { note, columns }: { note: string; columns: number }): Node {
  const span = { class: "group", colspan: String(columns), scope: "rowgroup" };
  return h("tr", {}, h("th", span, h("span", {}, h("b", {}, title), h("small", {}, note))));
}
