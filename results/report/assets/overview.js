// Screening funnel, rejected and failed structures, conventions and glossaries.

/** Count the structures with a pair that passes. */
function passingStructures(data) {
  const { source, source_id: name, dai } = data.columns;
  const found = new Set();
  for (let row = 0; row < data.n; row += 1) {
    if (dai.text(row) === "true") found.add(`${source.text(row)}\n${name.text(row)}`);
  }
  return found.size;
}

function drawFunnel(box, headline, data, showReason) {
  const { funnel = {}, reasons = {} } = data.content.run;
  const steps = Object.entries(funnel);
  const widest = Math.max(1, ...steps.map(([, count]) => count));
  const read = steps.length ? steps[0][1] : 0;
  const cited = data.criterion;
  refill(headline,
    el("strong", {}, `${passingStructures(data).toLocaleString("en")} of ${read.toLocaleString("en")} structures`),
    ` have a pair with E(cation) < ${cited.max_cation_barrier_ev} eV and ${cited.min_ratio} ≤ `,
    `${cited.reading === "cation_over_anion" ? "E(cation)/E(anion)" : "E(anion)/E(cation)"} ≤ ${cited.max_ratio}, `,
    `both barriers in ${cited.dimensionality}D: the criterion of a solid that can grow a dynamically adaptive interphase (DAI).`,
    data.content.run.finished === false ? " The run was interrupted; these results are incomplete." : "");
  const lost = Object.entries(reasons).sort((a, b) => b[1] - a[1]);
  refill(box, el("div", { class: "funnel" }, steps.map(([name, count], i) => [
    el("span", {}, name),
    el("span", { class: "bar" }, el("i", { style: { width: `${(75 * count) / widest}%` } }), el("span", { class: "number" }, count.toLocaleString("en"))),
    i === 0 && lost.length ? el("span", { class: "why" }, "rejected or failed: ", lost.map(([reason, n], k) => [
      k ? ", " : "", el("a", { href: "#lost", onclick: () => showReason(reason) }, `${words(reason)} ${n.toLocaleString("en")}`)])) : null,
  ])));
}

/** Rejected and failed structures by reason; each reason is a button that filters the list. */
class Lost {
  constructor(data, open) {
    this.data = data;
    this.kind = "";
    this.search = "";
    const { status, reason } = data.columns;
    this.rows = [];
    this.counts = new Map();
    for (let row = 0; row < data.n; row += 1) {
      if (status.text(row) === "ok") continue;
      this.rows.push(row);
      const kind = `${status.text(row)}: ${reason.text(row)}`;
      this.counts.set(kind, (this.counts.get(kind) || 0) + 1);
    }
    const column = (key) => ({ key, label: data.columns[key].note.label, meaning: data.columns[key].note.meaning,
      cell: (row) => (key === "formula" ? el("span", {}, formulaNodes(data.text(key, row))) : data.text(key, row)), order: () => data.columns[key].order() });
    this.table = new Table(byId("lost-table"), {
      label: "Rejected and failed", open, sort: { key: "source_id", descending: false },
      columns: [column("source_id"), column("formula"), column("status"), column("reason"), column("message")],
    });
    refill(byId("lost-filters"), el("label", {}, "Structure id, formula or message",
      el("input", { type: "search", name: "lost-search", size: 24, oninput: debounced((event) => { this.search = event.target.value.toLowerCase().trim(); this.update(); }, 120) })));
    byId("lost-filters").addEventListener("submit", (event) => event.preventDefault());
    this.update();
  }
  showReason(reason) {
    const kind = [...this.counts.keys()].find((k) => k.endsWith(`: ${reason}`));
    this.kind = kind || "";
    this.update();
  }
  update() {
    this.drawKinds();
    const { status, reason } = this.data.columns;
    const masks = ["source_id", "formula", "message"].map((key) => [
      this.data.columns[key].texts.map((text) => text.toLowerCase().includes(this.search)), this.data.columns[key].places]);
    const found = this.rows.filter((row) => (!this.kind || `${status.text(row)}: ${reason.text(row)}` === this.kind)
      && masks.some(([mask, places]) => mask[places[row]]));
    this.table.setRows(found);
    byId("lost-count").textContent = this.rows.length
      ? `${found.length.toLocaleString("en")} of ${this.rows.length.toLocaleString("en")} rows`
      : "Every structure was computed.";
  }
  drawKinds() {
    const { reasons, statuses } = this.data.content;
    const kinds = [...this.counts].sort((a, b) => b[1] - a[1]);
    refill(byId("lost-kinds"),
      el("p", { class: "dim" }, Object.entries(statuses).filter(([name]) => name !== "ok").map(([name, meaning], i) => `${i ? " " : ""}${name}: ${meaning}`)),
      el("div", { class: "kinds" }, kinds.map(([kind, count]) => {
        const meaning = reasons[kind.split(": ")[1]];
        return el("button", { type: "button", "data-kind": kind, style: { fontWeight: kind === this.kind ? "700" : "400" }, "aria-expanded": kind === this.kind ? "true" : "false", title: meaning,
          onclick: () => { this.kind = kind === this.kind ? "" : kind; this.update(); } },
        `${words(kind)} `, el("span", { class: "number" }, count.toLocaleString("en")));
      })));
  }
}

const facts = (pairs) => el("dl", { class: "facts" }, pairs.map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));

/** Flatten nested settings to dotted names. */
function flat(value, prefix = "") {
  if (Array.isArray(value)) return [[prefix, value.length ? value.join(", ") : "all"]];
  if (value && typeof value === "object") return Object.entries(value).flatMap(([k, v]) => flat(v, prefix ? `${prefix}.${k}` : k));
  return [[prefix, String(value)]];
}

function drawMethod(box, data) {
  const { run, sources, citations, columns, flags, reasons, made } = data.content;
  const present = [...new Set(data.columns.source.texts)].filter(Boolean);
  const options = flat(run.options || {}).map(([name, value]) => [words(name), value]);
  refill(box,
    el("p", {}, "Bond valence site energies rank materials; they are not measurements. The framework is rigid, charges are formal, and correlated motion is neglected. ∞ (inf in the tables): the ion does not percolate."),
    el("div", { class: "columns" },
      el("div", {}, el("h3", {}, "Conventions"), facts([...options, ["pair parameters", String(run.pair_parameters || "unknown")]])),
      el("div", {}, el("h3", {}, "Versions"), facts([...Object.entries(run.versions || {}).map(([k, v]) => [k, String(v)]),
        ["schema", String(run.schema_version)], ["run written", String(run.written || "")], ["page", `${made.by}, ${made.at}`]]),
      el("h3", {}, "Inputs"), el("ul", {}, (run.inputs || []).map((name) => el("li", {}, String(name)))),
      el("h3", {}, "Sources and licences"), facts(present.map((name) => [name, sources[name] || sources[name.split(":")[0]] || "See the source."])))),
    el("h3", {}, "References"), el("ul", {}, citations.map((text) => el("li", {}, text))),
    el("details", {}, el("summary", {}, "Glossary of flags"), facts(Object.entries(flags).map(([name, meaning]) => [words(name), meaning]))),
    el("details", {}, el("summary", {}, "Glossary of reasons"), facts(Object.entries(reasons).map(([name, meaning]) => [words(name), meaning]))),
    el("details", {}, el("summary", {}, "Glossary of columns"), plainTable(["column", "unit", "meaning"], columns.map((c) => [c.key, c.unit, c.meaning]))));
}
