/**
 * Where a head is turned to, from its points. The same as `mien.inference.landmarks.pose`; the rotation that
 * is nearest by least squares comes from a quaternion (Horn 1987), which gives Umeyama's.
 *
 * @typedef {number[][]} Matrix
 * @typedef {{yaw: number, pitch: number, roll: number, scale: number, points: Float64Array}} HeadPose
 *   Degrees; px of the distance of the eyes' outer corners; x, y and z of each point in the face's own frame.
 */

const SWEEPS = 30; // At most; six or so are needed.

/**
 * @param {ArrayLike<number>} points x, y and z of each.
 * @param {{RIGID: number[], CANONICAL: number[][]}} options
 * @returns {HeadPose}
 */
export function headPose(points, { RIGID, CANONICAL }) {
  const seen = RIGID.map((at) => [points[3 * at], points[3 * at + 1], points[3 * at + 2]]);
  const { scale, turn, origin } = similarity(CANONICAL, seen);
  const out = new Float64Array(points.length);
  for (let at = 0; at < points.length; at += 3) {
    const away = [points[at] - origin[0], points[at + 1] - origin[1], points[at + 2] - origin[2]];
    turn.forEach((row, axis) => (out[at + axis] = dot(row, away) / scale));
  }
  const degrees = 180 / Math.PI;
  const [across, , depth] = turn;
  return {
    yaw: degrees * Math.atan2(-depth[0], depth[2]),
    pitch: degrees * Math.asin(Math.min(1, Math.max(-1, -depth[1]))),
    roll: degrees * Math.atan2(across[1], across[0]),
    scale,
    points: out,
  };
}

/** @param {number[]} a @param {number[]} b */
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** @param {number[][]} points */
const middleOf = (points) =>
  [0, 1, 2].map((axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length);

/**
 * What brings points onto others: scale s, rotation R and shift t for which s p R + t is nearest to each
 * goal.
 * @param {number[][]} source
 * @param {number[][]} target
 * @returns {{scale: number, turn: Matrix, origin: number[]}}
 */
export function similarity(source, target) {
  const [middle, goal] = [middleOf(source), middleOf(target)];
  const from = source.map((point) => point.map((value, axis) => value - middle[axis])),
    to = target.map((point) => point.map((value, axis) => value - goal[axis]));
  const s = [0, 1, 2].map((a) =>
    [0, 1, 2].map((b) => from.reduce((sum, p, at) => sum + p[a] * to[at][b], 0)),
  );
  const [[xx, xy, xz], [yx, yy, yz], [zx, zy, zz]] = s;
  const { value, vector } = largest([
    [xx + yy + zz, yz - zy, zx - xz, xy - yx],
    [yz - zy, xx - yy - zz, xy + yx, zx + xz],
    [zx - xz, xy + yx, yy - xx - zz, yz + zy],
    [xy - yx, zx + xz, yz + zy, zz - xx - yy],
  ]);
  const turn = rotation(vector);
  const scale = value / from.reduce((sum, point) => sum + dot(point, point), 0);
  const origin = goal.map(
    (at, axis) => at - scale * dot(middle, [turn[0][axis], turn[1][axis], turn[2][axis]]),
  );
  return { scale, turn, origin };
}

/** Of a unit quaternion; its rows are where the axes go. @param {number[]} quaternion @returns {Matrix} */
function rotation([w, x, y, z]) {
  return [
    [w * w + x * x - y * y - z * z, 2 * (x * y + w * z), 2 * (x * z - w * y)],
    [2 * (x * y - w * z), w * w - x * x + y * y - z * z, 2 * (y * z + w * x)],
    [2 * (x * z + w * y), 2 * (y * z - w * x), w * w - x * x - y * y + z * z],
  ];
}

/**
 * The largest eigenvalue of a symmetric matrix and its vector, by Jacobi's rotations.
 * @param {Matrix} given
 */
function largest(given) {
  const size = given.length,
    matrix = given.map((row) => [...row]);
  const vectors = given.map((row, at) => row.map((_, column) => Number(at === column)));
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let change = 0;
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) change += rotate(matrix, vectors, p, q);
    }
    if (change === 0) break;
  }
  const values = matrix.map((row, at) => row[at]);
  const at = values.indexOf(Math.max(...values));
  return { value: values[at], vector: vectors.map((row) => row[at]) };
}

/**
 * Turn two axes so that what couples them vanishes; 1 where that changed something.
 * @param {Matrix} matrix
 * @param {Matrix} vectors
 * @param {number} p
 * @param {number} q
 */
function rotate(matrix, vectors, p, q) {
  const size = Math.abs(matrix[p][p]) + Math.abs(matrix[q][q]);
  if (Math.abs(matrix[p][q]) <= 1e-17 * size || matrix[p][q] === 0) return 0;
  const half = (matrix[q][q] - matrix[p][p]) / (2 * matrix[p][q]);
  const tangent = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.hypot(half, 1));
  const cosine = 1 / Math.hypot(tangent, 1),
    sine = tangent * cosine;
  const mixed = (/** @type {number[]} */ row) =>
    ([row[p], row[q]] = [cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]]);
  matrix.forEach(mixed);
  vectors.forEach(mixed);
  matrix[p].forEach((_, at) => {
    const [first, second] = [matrix[p][at], matrix[q][at]];
    matrix[p][at] = cosine * first - sine * second;
    matrix[q][at] = sine * first + cosine * second;
  });
  matrix[p][q] = matrix[q][p] = 0;
  return 1;
}
