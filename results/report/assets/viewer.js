// The structure in three dimensions, by 3Dmol.js, which is unpacked when it is first needed.

let viewerLoading = null;

function loadViewer() {
  viewerLoading = viewerLoading || unpackedBytes("viewer").then((bytes) => {
    const script = document.createElement("script");
    script.textContent = new TextDecoder().decode(bytes);
    document.head.append(script);
    if (!window.$3Dmol) throw new Error("the 3D viewer did not start");
    return window.$3Dmol;
  });
  return viewerLoading;
}

const ION_COLOURS = { cation: "#2f7fd1", anion: "#e07b00" };
const FIELD_STEPS = 255;

/** Cartesian coordinates of fractional ones; rows of the cell are its vectors. */
function cartesian(cell, [x, y, z]) {
  return [0, 1, 2].map((i) => x * cell[0][i] + y * cell[1][i] + z * cell[2][i]);
}

const asPoint = ([x, y, z]) => ({ x, y, z });

/** One structure's scene. What is drawn follows `show`; the camera stays. */
class Scene {
  constructor(library, box, detail, show) {
    Object.assign(this, { library, box, detail, show });
    this.viewer = library.createViewer(box, { backgroundColor: isDark() ? "#12161b" : "#ffffff", antialias: true });
    this.mobile = new Set(detail.content.ions.map((ion) => ion.element));
    this.drawAtoms();
    this.viewer.zoomTo();
    this.draw();
    this.viewer.rotate(18, "x");
    this.viewer.rotate(-22, "y");
    this.viewer.render();
  }
  drawAtoms() {
    const { cell } = this.detail.content.crystal;
    const { atoms, bonds } = this.repeated();
    const model = this.viewer.addModel();
    model.addAtoms(atoms.map(([elem, frac], i) => ({ elem, serial: i, index: i, ...asPoint(cartesian(cell, frac)), bonds: [], bondOrder: [], properties: {} })));
    const placed = model.selectedAtoms({});
    for (const [a, b] of bonds) {
      placed[a].bonds.push(b); placed[a].bondOrder.push(1);
      placed[b].bonds.push(a); placed[b].bondOrder.push(1);
    }
    this.viewer.setStyle({}, { sphere: { scale: 0.2, colorscheme: "Jmol" }, stick: { radius: 0.08, colorscheme: "Jmol" } });
    for (const ion of this.detail.content.ions) {
      this.viewer.setStyle({ elem: ion.element }, { sphere: { scale: 0.17, color: ION_COLOURS[ion.role] }, stick: { radius: 0.08, color: ION_COLOURS[ion.role] } });
    }
  }
  /** Atoms, bonds and polyhedra of all cells that are shown; what cells share stands once. */
  repeated() {
    const { crystal } = this.detail.content;
    const n = this.show.cells;
    const atoms = []; const bonds = new Map(); const polyhedra = new Map(); const places = new Map();
    const steps = [...Array(n).keys()];
    for (const i of steps) for (const j of steps) for (const k of steps) {
      const here = crystal.atoms.map(([elem, frac]) => {
        const moved = [frac[0] + i, frac[1] + j, frac[2] + k];
        const key = moved.map((x) => Math.round(x * 1000)).join();
        if (!places.has(key)) { places.set(key, atoms.length); atoms.push([elem, moved]); }
        return places.get(key);
      });
      for (const [a, b] of crystal.bonds) bonds.set(`${here[a]} ${here[b]}`, [here[a], here[b]]);
      for (const shell of crystal.polyhedra) polyhedra.set(here[shell[0]], shell.map((a) => here[a]));
    }
    return { atoms, bonds: [...bonds.values()], polyhedra: [...polyhedra.values()] };
  }
  /** Draw everything anew, for another number of cells. */
  rebuild() {
    this.viewer.removeAllModels();
    this.drawAtoms();
    this.draw();
    this.viewer.zoomTo();
    this.viewer.render();
  }
  drawPolyhedra() {
    const { cell } = this.detail.content.crystal;
    const { atoms, polyhedra } = this.repeated();
    const colours = this.library.elementColors.Jmol;
    for (const [centre, ...ligands] of polyhedra) {
      const shape = polyhedronShape(ligands.map((i) => cartesian(cell, atoms[i][1])), colours[atoms[centre][0]] || "#999999");
      if (shape) this.viewer.addCustom(shape);
    }
  }
  /** The three axes of the cell, beside its corner. */
  drawAxes() {
    const { cell } = this.detail.content.crystal;
    const colour = isDark() ? "#e6e9ec" : "#1b1f24";
    const start = cartesian(cell, [-0.2, -0.2, -0.2]);
    cell.forEach((vector, i) => {
      const length = Math.hypot(...vector);
      const end = start.map((x, k) => x + (vector[k] / length) * Math.min(2.5, 0.5 * length));
      this.viewer.addArrow({ start: asPoint(start), end: asPoint(end), radius: 0.07, color: colour });
      this.viewer.addLabel("abc"[i], { position: asPoint(end), fontSize: 14, fontColor: colour, backgroundOpacity: 0, inFront: true });
    });
  }
  picture() { return this.viewer.pngURI(); }
  draw() {
    this.viewer.removeAllShapes();
    this.viewer.removeAllLabels();
    this.drawCell();
    this.drawAxes();
    if (this.show.polyhedra) this.drawPolyhedra();
    for (const ion of this.detail.content.ions) {
      if (this.show.fields.has(ion.role)) this.drawField(ion);
      if (this.show.paths.has(ion.role)) this.drawPath(ion);
      if (this.show.hops && this.show.hops.has(ion.role)) drawHops(this.viewer, this.detail.content.crystal.cell, ion, this.show);
    }
    this.viewer.render();
  }
  drawCell() {
    const { cell } = this.detail.content.crystal;
    const corner = (i) => cartesian(cell, [i & 1, (i >> 1) & 1, (i >> 2) & 1]);
    const color = isDark() ? "#9aa4af" : "#59636e";
    for (let i = 0; i < 8; i += 1) {
      for (const bit of [1, 2, 4]) {
        if (!(i & bit)) this.viewer.addLine({ start: asPoint(corner(i)), end: asPoint(corner(i | bit)), color });
      }
    }
  }
  /** The surface on which the field has the chosen energy above its minimum. */
  drawField(ion) {
    if (!ion.field) return;
    const { viewer, library } = this;
    if (!ion.volume) ion.volume = volumeOf(library, ion, this.detail.section(ion.field.section), this.detail.content.crystal.cell);
    const isoval = Math.max(0, ion.field.highest_ev - this.show.levels[ion.role]);
    viewer.addIsosurface(ion.volume, { isoval, color: ION_COLOURS[ion.role], opacity: 0.6, smoothness: 2 });
  }
  drawPath(ion) {
    const path = ion.paths.find((p) => p.dimension === this.show.dimension) || ion.paths[ion.paths.length - 1];
    if (!path) return;
    const { cell } = this.detail.content.crystal;
    const color = ION_COLOURS[ion.role];
    const place = (frac, cells) => asPoint(cartesian(cell, frac.map((x, i) => x - cells[i])));
    const cellOf = (frac) => frac.map((x) => Math.floor(x + 1e-4));
    for (let i = 1; i < path.frac.length; i += 1) { // what leaves through a face comes back opposite
      const [from, to] = [path.frac[i - 1], path.frac[i]];
      const cells = cellOf(from.map((x, k) => (x + to[k]) / 2));
      this.viewer.addCylinder({ start: place(from, cells), end: place(to, cells), radius: 0.1, fromCap: 1, toCap: 1, color });
    }
    const mark = (i, radius, hue) => this.viewer.addSphere({ center: place(path.frac[i], cellOf(path.frac[i])), radius, color: hue });
    for (const i of path.minima) mark(i, 0.2, color);
    mark(path.bottleneck, 0.32, "#d1242f");
  }
  recolour() {
    this.viewer.setBackgroundColor(isDark() ? "#12161b" : "#ffffff");
    this.draw();
  }
}

/** 3Dmol's volume from one byte a point. It encloses what is above a level: so energies are turned over. */
function volumeOf(library, ion, bytes, cell) {
  const [nx, ny, nz] = ion.field.shape;
  const { highest_ev: highest } = ion.field;
  const volume = new library.VolumeData("", "");
  const data = new Float32Array((nx + 1) * (ny + 1) * (nz + 1));
  let at = 0;
  for (let i = 0; i <= nx; i += 1) {
    for (let j = 0; j <= ny; j += 1) {
      for (let k = 0; k <= nz; k += 1) {
        const byte = bytes[((i % nx) * ny + (j % ny)) * nz + (k % nz)];
        data[at] = highest * (1 - byte / FIELD_STEPS);
        at += 1;
      }
    }
  }
  volume.data = data;
  volume.size = { x: nx + 1, y: ny + 1, z: nz + 1 };
  volume.origin = new library.Vector3(0, 0, 0);
  volume.unit = new library.Vector3(1, 1, 1);
  const [a, b, c] = cell.map((row, i) => row.map((x) => x / [nx, ny, nz][i]));
  volume.matrix = new library.Matrix4(a[0], b[0], c[0], 0, a[1], b[1], c[1], 0, a[2], b[2], c[2], 0, 0, 0, 0, 1);
  return volume;
}
