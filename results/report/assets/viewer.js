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
    this.drawAtoms();
    this.viewer.zoomTo();
    this.draw();
    this.viewer.rotate(18, "x");
    this.viewer.rotate(-22, "y");
    this.viewer.render();
  }
  drawAtoms() {
    const { cell, atoms, bonds } = this.detail.content.crystal;
    const model = this.viewer.addModel();
    model.addAtoms(atoms.map(([elem, frac], i) => ({ elem, serial: i, index: i, ...asPoint(cartesian(cell, frac)), bonds: [], bondOrder: [], properties: {} })));
    const placed = model.selectedAtoms({});
    for (const [a, b] of bonds) {
      placed[a].bonds.push(b); placed[a].bondOrder.push(1);
      placed[b].bonds.push(a); placed[b].bondOrder.push(1);
    }
    const mobile = this.detail.content.ions.map((ion) => ion.element);
    this.viewer.setStyle({}, { sphere: { scale: 0.2, colorscheme: "Jmol" }, stick: { radius: 0.08, colorscheme: "Jmol" } });
    for (const ion of this.detail.content.ions) {
      this.viewer.setStyle({ elem: ion.element }, { sphere: { scale: 0.17, color: ION_COLOURS[ion.role] }, stick: { radius: 0.08, color: ION_COLOURS[ion.role] } });
    }
    this.mobile = mobile;
  }
  draw() {
    this.viewer.removeAllShapes();
    this.drawCell();
    for (const ion of this.detail.content.ions) {
      if (this.show.fields.has(ion.role)) this.drawField(ion);
      if (this.show.paths.has(ion.role)) this.drawPath(ion);
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
