// The first compounds to look at: a card each, with barriers, reasons and links.

/** A sentence with the charges of its ions as superscripts. */
const withIons = (text) => text.replace(/\b[A-Z][a-z]?[0-9.]*[+-](?=[\s,:;.]|$)/g, ionText);

/** A link to the Materials Project where the structure has a material id there. */
function materialLink(data, row) {
  const id = data.materials.get(data.text("source_id", row));
  if (!id) return null;
  return el("a", { href: data.content.material_page + id, rel: "noopener noreferrer", target: "_blank" }, `${id} ↗`);
}

function drawPicks(box, data) {
  const picks = data.content.picks || [];
  const heading = picks.length >= 10 ? "Pick ten" : picks.length > 1 ? `Pick ${picks.length}` : "Pick one";
  byId("picks-title").textContent = picks.length ? heading : "Nothing to pick";
  if (!picks.length) {
    refill(box, el("p", {}, "No pair is a candidate."));
    return;
  }
  refill(box, el("p", { class: "dim" }, "The best candidate of each compound, by score. A bar is the 90 % interval of a barrier calibrated against known ones, the point its likely value, the line the computed barrier, which the criterion judges."),
    el("div", { class: "cards" }, picks.map((pick) => pickCard(data, pick))));
}

function pickCard(data, pick) {
  const { row } = pick;
  const text = (key) => data.text(key, row);
  const fact = (name, value) => el("span", { class: "fact" }, el("span", { class: "dim" }, name), " ", value || "unknown");
  const list = (name, sentences) => (sentences.length ? el("div", {}, el("h4", {}, name), el("ul", {}, sentences.map((s) => el("li", {}, withIons(s))))) : null);
  return el("article", { class: "card", "data-row": row },
    el("header", {},
      el("span", { class: "rank" }, text("rank")),
      el("h3", {}, el("a", { href: `#/row/${row + 1}` }, text("reduced_formula") ? formulaNodes(text("reduced_formula")) : text("source_id"))),
      el("span", {}, `${ionText(text("cation"))} and ${ionText(text("anion"))}${text("mechanism_anion") === "interstitial guest" ? " (guest)" : ""}`),
      el("span", { class: "dim" }, materialLink(data, row) || text("source_id"))),
    intervalPlot(data, row),
    el("p", { class: "fact-line" }, fact("score", shown(text("score"))), fact("GII", text("gii_vu") && `${Number(text("gii_vu")).toFixed(2)} v.u.`),
      fact("above hull", text("energy_above_hull_ev_atom") && `${Number(text("energy_above_hull_ev_atom")).toFixed(3)} eV/atom`),
      fact("gap", text("band_gap_ev") && `${Number(text("band_gap_ev")).toFixed(1)} eV`), fact("space group", text("space_group"))),
    list("For", pick.for), list("Against", pick.against),
    pick.others ? el("p", { class: "dim" }, `${pick.others} further candidate${pick.others > 1 ? "s are" : " is"} of this composition.`) : null);
}

/** Both ions' barriers on one axis of energy. */
function intervalPlot(data, row) {
  const d = state.dimension;
  const w = 460; const h = 92; const left = 62; const right = 76;
  const ions = ["cation", "anion"].map((role) => ({
    role,
    raw: data.value(`e${d}d_${role}_ev`, row),
    likely: data.value(`e_calibrated_${role}_ev`, row),
    low: data.value(`e_calibrated_${role}_low_ev`, row),
    high: data.value(`e_calibrated_${role}_high_ev`, row),
  }));
  const finite = ions.flatMap((ion) => [ion.raw, ion.high]).filter(Number.isFinite);
  const top = Math.max(1.2, ...finite) * 1.05;
  const x = (v) => left + (v / top) * (w - left - right);
  const said = (ion) => `${ionText(data.text(ion.role, row))}: ${Number.isFinite(ion.raw) ? `${ion.raw.toFixed(2)} eV` : "no path"}`
    + (Number.isFinite(ion.likely) ? `, calibrated ${ion.likely.toFixed(2)} eV, 90 % between ${ion.low.toFixed(2)} and ${ion.high.toFixed(2)}` : ", not calibrated");
  return svg("svg", { class: "intervals profile", viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": `Barriers in ${d}D. ${ions.map(said).join("; ")}` },
    ticks(0, top, false).map((v) => [svg("line", { class: "grid", x1: x(v), x2: x(v), y1: 6, y2: 66 }), svg("text", { x: x(v), y: 80, "text-anchor": "middle" }, tickText(v))]),
    svg("text", { x: w - right + 8, y: 80 }, "eV"),
    ions.map((ion, i) => {
      const y = 20 + 30 * i;
      const colour = ION_COLOURS[ion.role];
      return [svg("title", {}, said(ion)),
        svg("text", { x: left - 8, y: y + 4, "text-anchor": "end" }, ionText(data.text(ion.role, row))),
        Number.isFinite(ion.low) ? svg("rect", { x: x(ion.low), y: y - 6, width: Math.max(1, x(ion.high) - x(ion.low)), height: 12, rx: 3, fill: colour, opacity: 0.35 }) : null,
        Number.isFinite(ion.likely) ? svg("circle", { cx: x(ion.likely), cy: y, r: 4.5, fill: colour }) : null,
        Number.isFinite(ion.raw) ? svg("line", { x1: x(ion.raw), x2: x(ion.raw), y1: y - 9, y2: y + 9, class: "raw" }) : null,
        svg("text", { x: w - right + 8, y: y + 4 }, Number.isFinite(ion.raw) ? ion.raw.toFixed(2) : "no path")];
    }));
}
