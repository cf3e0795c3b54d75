// Page of one structure: verdict, barriers, migration paths, sensitivity, molecular dynamics.

const open_ = { row: -1, scene: null, hops: null };

function closeStructure() {
  open_.row = -1;
  open_.scene = null;
  open_.hops = null;
  refill(byId("structure"));
}

function redrawStructure() {
  if (open_.scene) open_.scene.recolour();
  if (open_.hops) open_.hops.recolour();
}

function showStructure(box, data, row) {
  closeStructure();
  open_.row = row;
  const text = (key) => data.text(key, row);
  const rank = text("rank");
  refill(box,
    el("section", {},
      el("nav", { class: "steps", "aria-label": "Candidates" }, el("a", { href: "#candidates" }, "↑ back to the table"), rankLinks(data, row)),
      el("h2", {}, text("reduced_formula") ? formulaNodes(text("reduced_formula")) : text("source_id"), text("anion") ? ` · ${ionText(text("cation"))} and ${ionText(text("anion"))}` : ""),
      el("p", {}, verdictBadges(data, row), rank ? el("span", { class: "badge" }, `rank ${rank}`) : null),
      text("message") ? el("p", {}, text("message")) : null,
      text("status") === "ok" ? flagList(data, row) : null,
      materialLink(data, row) ? el("p", {}, "Materials Project: ", materialLink(data, row)) : null,
      neighbours(data, row)),
    el("div", { id: "detail" }),
    el("section", {},
      el("div", { class: "columns" },
        el("div", {}, el("h3", {}, "Barriers"), barrierTable(data, row)),
        el("div", {}, el("h3", {}, "Stability and metadata"), otherFacts(data, row)))));
  if (data.detailed.has(row)) showDetail(byId("detail"), data, row);
  else if (text("status") === "ok") {
    byId("detail").append(el("p", { class: "dim" }, "This page holds structures, paths and fields of the first candidates only; write it with a larger --candidates to add more."));
  }
}

/** Links to the candidates before and after this one. */
function rankLinks(data, row) {
  const link = (step, words_) => {
    const other = candidateByRank(data, row, step);
    return other < 0 ? null : el("a", { href: `#/row/${other + 1}`, rel: step < 0 ? "prev" : "next" }, words_([`${data.text("rank", other)} `, formulaNodes(data.text("reduced_formula", other))]));
  };
  return [link(-1, (name) => ["← ", name]), link(1, (name) => [name, " →"])];
}

function verdictBadges(data, row) {
  if (data.text("status", row) !== "ok") return el("span", { class: "badge" }, `${data.text("status", row)}: ${words(data.text("reason", row))}`);
  const passes = data.text("dai_dimensions", row).split(";");
  const bands = data.text("dai_neb", row);
  return [[1, 2, 3].map((d) => el("span", { class: passes.includes(`${d}D`) ? "badge pass" : "badge miss" },
    `${d}D ${passes.includes(`${d}D`) ? "passes" : "does not pass"}`)),
  bands ? el("span", { class: bands === "true" ? "badge pass" : "badge miss" }, `with a potential ${bands === "true" ? "passes" : "does not pass"}`) : null];
}

/** Links to the other pairs of the structure. */
function neighbours(data, row) {
  const same = [];
  const { source, source_id: id } = data.columns;
  for (let i = 0; i < data.n; i += 1) {
    if (i !== row && id.places[i] === id.places[row] && source.places[i] === source.places[row]) same.push(i);
  }
  if (!same.length) return null;
  return el("p", {}, "Other pairs of this structure: ", same.map((i, k) => [k ? ", " : "",
    el("a", { href: `#/row/${i + 1}` }, `${ionText(data.text("cation", i))} ${ionText(data.text("anion", i))}`),
    data.text("dai", i) === "true" ? " (passes)" : ""]));
}

function barrierTable(data, row) {
  const text = (key) => data.text(key, row) || "–";
  const rows = [1, 2, 3].flatMap((d) => [
    [`${d}D`, text(`e${d}d_cation_ev`), text(`e${d}d_anion_ev`), text(`ratio_${d}d`)],
    [el("span", { class: "dim" }, "refined"), text(`e${d}d_cation_refined_ev`), text(`e${d}d_anion_refined_ev`), ""],
    [el("span", { class: "dim" }, "above region minimum"), text(`e${d}d_cation_region_ev`), text(`e${d}d_anion_region_ev`), ""],
  ]);
  return [plainTable(["", "cation / eV", "anion / eV", "ratio"], rows, [1, 2, 3]),
    el("p", { class: "dim" }, "Refined: on the continuous potential, free of the error of the grid. Above region minimum: relative to the minimum of the percolating region, so that a deeper site off the path does not count.")];
}

function flagList(data, row) {
  const flags = data.flags(row);
  if (!flags.length) return el("p", { class: "dim" }, "No flags.");
  return el("ul", {}, flags.map((flag) => el("li", {}, el("strong", {}, words(flag)), data.content.flags[flag] ? `: ${data.content.flags[flag]}` : "")));
}

function otherFacts(data, row) {
  const apart = /^(e[123]d_|ratio_|flags|rank|message|cation$|anion$|status|reason|dai|md_)/; // shown above or below
  const dynamics = (data.mdFacts.get(row) || []).map(([name, value]) => [symbolNodes(withIons(name)), value]);
  const others = data.keys.filter((key) => !apart.test(key) && data.text(key, row) !== "").map((key) => {
    const { note } = data.columns[key];
    const value = /formula$/.test(key) ? formulaNodes(data.text(key, row)) : `${data.text(key, row)}${note.unit ? ` ${note.unit}` : ""}`;
    return [el("span", { title: note.meaning }, note.label), value];
  });
  return facts([...others, ...dynamics]);
}

async function showDetail(box, data, row) {
  let detail;
  try {
    detail = await unpackedBlock(`detail-${row}`);
  } catch (error) {
    refill(box, el("p", { class: "notice error" }, `The details could not be unpacked (${error.message}).`));
    return;
  }
  if (open_.row !== row) return;
  const { content } = detail;
  const notes = (content.notes || []).map((note) => el("p", { class: "dim" }, note));
  refill(box, el("section", {}, notes,
    content.crystal ? sceneBlock(detail) : null,
    content.ions ? profileBlock(content) : null,
    content.bands ? bandsBlock(content.bands) : null,
    content.sensitivity ? sensitivityBlock(content.sensitivity, data) : null,
    (content.dynamics || []).map(dynamicsBlock)));
}

function sceneBlock(detail) {
  const { ions } = detail.content;
  const roles = ions.map((ion) => ion.role);
  const show = { fields: new Set(roles), paths: new Set(roles), dimension: 3, polyhedra: true, cells: 1,
    levels: Object.fromEntries(ions.map((ion) => [ion.role, ion.field ? ion.field.level_ev : 0])) };
  const canvas = el("div", { class: "viewer", role: "img", "aria-label": "The structure with migration paths and isosurfaces; drag to turn, scroll to zoom" });
  const redraw = () => { if (open_.scene) open_.scene.draw(); };
  const toggle = (set, role) => (event) => { if (event.target.checked) set.add(role); else set.delete(role); redraw(); };
  const controls = ions.map((ion) => el("span", { class: "controls" },
    el("span", {}, el("span", { class: "key", style: { background: ION_COLOURS[ion.role] } }), ionText(ion.name)),
    el("label", {}, el("input", { type: "checkbox", checked: true, onchange: toggle(show.paths, ion.role) }), "path"),
    ion.field ? el("label", {}, el("input", { type: "checkbox", checked: true, onchange: toggle(show.fields, ion.role) }), "surface at ",
      el("input", { type: "number", min: 0, max: ion.field.highest_ev.toFixed(2), step: "0.05", value: ion.field.level_ev.toFixed(2),
        "aria-label": `Energy of the surface of ${ion.name}, eV`,
        onchange: (event) => { show.levels[ion.role] = Number(event.target.value); redraw(); } }), "eV") : null));
  const dimensions = [...new Set(ions.flatMap((ion) => ion.paths.map((p) => p.dimension)))].sort();
  const block = el("div", {}, el("h3", {}, "Structure, migration paths and site energies"), el("div", { class: "controls" }, controls,
    dimensions.length > 1 ? el("label", {}, "path", select("path-dimension", dimensions.map((d) => [String(d), `${d}D`]), String(Math.max(...dimensions)),
      (v) => { show.dimension = Number(v); redraw(); })) : null,
    detail.content.crystal.polyhedra.length ? el("label", {}, el("input", { type: "checkbox", name: "polyhedra", checked: true, onchange: (event) => { show.polyhedra = event.target.checked; redraw(); } }), "polyhedra") : null,
    el("label", {}, "cells", select("cells", [["1", "1 × 1 × 1"], ["2", "2 × 2 × 2"], ["3", "3 × 3 × 3"]], "1", (v) => { show.cells = Number(v); if (open_.scene) open_.scene.rebuild(); })),
    exportButtons(detail)), canvas,
  el("p", { class: "dim" }, "Isosurfaces enclose site energies below the level, relative to the minimum; at the barrier they join to a path through the crystal. Red: bottleneck of each path. ",
    atomsLegend(detail.content)));
  loadViewer().then((library) => {
    if (canvas.isConnected) open_.scene = new Scene(library, canvas, detail, show);
  }).catch((error) => {
    refill(canvas, el("p", { class: "notice error" }, `No 3D view here (${error.message}); it needs WebGL.`));
  });
  return block;
}

/** The structure as a file, the view as a picture. */
function exportButtons(detail) {
  const { data } = window.dualion;
  const name = `${data.text("reduced_formula", open_.row)}-${data.text("source_id", open_.row)}`.replace(/[^A-Za-z0-9.-]+/g, "_").slice(0, 80);
  return [detail.content.cif ? el("button", { type: "button", id: "save-cif", onclick: () => download(`${name}.cif`, detail.content.cif, "chemical/x-cif") }, "CIF") : null,
    el("button", { type: "button", id: "save-png", onclick: () => { if (open_.scene) downloadUrl(`${name}.png`, open_.scene.picture()); } }, "PNG")];
}

function atomsLegend(content) {
  const mobile = new Map(content.ions.map((ion) => [ion.element, ION_COLOURS[ion.role]]));
  const others = [...new Set(content.crystal.atoms.map(([elem]) => elem))].filter((elem) => !mobile.has(elem));
  return others.length ? `Other atoms (${others.join(", ")}) in Jmol's colours.` : "";
}

function profileBlock(content) {
  const paths = content.ions.flatMap((ion) => ion.paths.map((path) => ({ ion, path })));
  if (!paths.length) return el("p", {}, "Neither ion percolates.");
  return el("div", {}, el("h3", {}, "Energy profiles of the migration paths"),
    el("div", { class: "columns" }, content.ions.map((ion) => el("div", {},
      el("h4", {}, el("span", { class: "key", style: { background: ION_COLOURS[ion.role] } }), ionText(ion.name)),
      ion.paths.length ? [profilePlot(ion), bottleneckTable(ion)] : el("p", {}, "Does not percolate.")))));
}

/** Draw energy against distance, one curve for each dimensionality. */
function profilePlot(ion) {
  const w = 560; const h = 250; const m = { left: 48, right: 12, top: 10, bottom: 40 };
  const longest = Math.max(...ion.paths.map((p) => p.distance_angstrom[p.distance_angstrom.length - 1]));
  const highest = Math.max(0.05, ...ion.paths.map((p) => Math.max(...p.energies_ev))) * 1.08;
  const x = (d) => m.left + (d / longest) * (w - m.left - m.right);
  const y = (e) => m.top + (1 - e / highest) * (h - m.top - m.bottom);
  const axis = [
    ...ticks(0, longest, false).map((v) => [svg("line", { class: "grid", x1: x(v), x2: x(v), y1: m.top, y2: h - m.bottom }), svg("text", { x: x(v), y: h - m.bottom + 16, "text-anchor": "middle" }, tickText(v))]),
    ...ticks(0, highest, false).map((v) => [svg("line", { class: "grid", x1: m.left, x2: w - m.right, y1: y(v), y2: y(v) }), svg("text", { x: m.left - 6, y: y(v) + 4, "text-anchor": "end" }, tickText(v))]),
    svg("text", { x: (w + m.left) / 2, y: h - 6, "text-anchor": "middle" }, "distance / Å"),
    svg("text", { transform: `translate(13 ${(h - m.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, "energy / eV"),
  ];
  const dashes = { 1: "2 3", 2: "7 4", 3: null };
  const curves = ion.paths.map((p) => [
    svg("polyline", { class: "curve", stroke: ION_COLOURS[ion.role], "stroke-dasharray": dashes[p.dimension], points: p.distance_angstrom.map((d, i) => `${x(d).toFixed(1)},${y(p.energies_ev[i]).toFixed(1)}`).join(" ") }),
    svg("circle", { cx: x(p.distance_angstrom[p.bottleneck]), cy: y(p.energies_ev[p.bottleneck]), r: 4, fill: "#d1242f" }),
  ]);
  const best = ion.paths.map((p) => `${p.dimension}D ${Math.max(...p.energies_ev).toFixed(3)} eV`).join(", ");
  return [svg("svg", { class: "profile", viewBox: `0 0 ${w} ${h}`, role: "img", "aria-label": `Energy of ${ion.name} along its paths: ${best}` }, axis, curves),
    el("p", { class: "dim" }, `Barriers (red): ${best}. Dotted 1D, dashed 2D, solid 3D.`)];
}

function bottleneckTable(ion) {
  const path = ion.paths[ion.paths.length - 1];
  if (!path.neighbours || !path.neighbours.length) return null;
  return [el("p", {}, `Nearest atoms of the ${path.dimension}D bottleneck:`),
    plainTable(["atom", "distance / Å"], path.neighbours.map(([name, distance]) => [name, distance.toFixed(2)]), [1])];
}

function sensitivityBlock(sensitivity, data) {
  const mark = (ok) => (ok ? el("span", { class: "badge pass" }, "passes") : el("span", { class: "badge miss" }, "no"));
  const energy = (value) => (value === null ? "∞" : value.toFixed(3));
  return el("div", {}, el("h3", {}, "Sensitivity of the verdict"),
    el("p", {}, `The pair passes under ${sensitivity.passed} of ${sensitivity.rows.length} conventions.`),
    plainTable(["convention", "E(cation) / eV", "E(anion) / eV", "ratio", "verdict"],
      sensitivity.rows.map((r) => [r.name, energy(r.cation_ev), energy(r.anion_ev), r.ratio === null ? "–" : r.ratio.toFixed(3), mark(r.passes)]), [1, 2, 3]));
}
