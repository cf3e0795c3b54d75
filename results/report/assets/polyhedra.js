// Coordination polyhedra: the convex hull of a centre's ligands, by trying every triple.

const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** Triangles of the convex hull of a few points, each with its outward normal. */
function hullTriangles(points) {
  const found = [];
  const n = points.length;
  for (let i = 0; i < n; i += 1) {
    for (let j = i + 1; j < n; j += 1) {
      for (let k = j + 1; k < n; k += 1) {
        const normal = cross(minus(points[j], points[i]), minus(points[k], points[i]));
        const size = Math.hypot(...normal);
        if (size < 1e-6) continue;
        const sides = points.map((point) => dot(normal, minus(point, points[i])) / size);
        const [low, high] = [Math.min(...sides), Math.max(...sides)];
        if (high < 1e-3) found.push({ corners: [i, j, k], normal: normal.map((x) => x / size) });
        else if (low > -1e-3) found.push({ corners: [i, k, j], normal: normal.map((x) => -x / size) });
      }
    }
  }
  return found;
}

/** A 3Dmol custom shape of one polyhedron; null where the ligands lie in a plane. */
function polyhedronShape(points, color) {
  const triangles = hullTriangles(points);
  if (triangles.length < 4) return null;
  const vertexArr = []; const normalArr = []; const faceArr = [];
  for (const { corners, normal } of triangles) {
    for (const corner of corners) {
      faceArr.push(vertexArr.length);
      vertexArr.push(asPoint(points[corner]));
      normalArr.push(asPoint(normal));
    }
  }
  return { vertexArr, normalArr, faceArr, color, opacity: 0.35 };
}
