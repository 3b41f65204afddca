/**
 * Which face is which person's: the pairs with the least cost in all (Kuhn 1955; shortest augmenting paths,
 * Jonker and Volgenant 1987).
 *
 * A row that stays alone costs `limit`, so a pair is never made at more than that.
 * @param {number[][]} cost A row per person, a column per face; infinite where a pair is impossible.
 * @param {number} limit
 * @returns {[number, number][]} Row and column, in order of rows.
 */
export function assigned(cost, limit) {
  const rows = cost.length,
    columns = rows ? cost[0].length : 0;
  const possible = cost.flatMap((line, row) =>
    line.flatMap((value, column) => (value <= limit ? [[row, column]] : [])),
  );
  const apart = (/** @type {0 | 1} */ side) =>
    new Set(possible.map((pair) => pair[side])).size === possible.length;
  if (apart(0) && apart(1)) return /** @type {[number, number][]} */ (possible);
  // Each row has a column of its own, in which it stays alone.
  const table = cost.map((line, row) => [
    ...line.map((value) => (value <= limit ? value : 1e6 * limit)),
    ...Array.from({ length: rows }, (_, other) => (other === row ? limit : 1e6 * limit)),
  ]);
  const pairs = /** @type {[number, number][]} */ ([]);
  owners(table).forEach((row, column) => {
    if (row >= 0 && column < columns) pairs.push([row, column]);
  });
  return pairs.sort((a, b) => a[0] - b[0]);
}

/**
 * For each column the row that it belongs to, or -1.
 * @param {number[][]} table At least as many columns as rows.
 */
function owners(table) {
  const rows = table.length,
    columns = table[0].length;
  const owner = new Array(columns + 1).fill(-1); // The last one stands for where the search begins.
  const ofRow = new Array(rows).fill(0),
    ofColumn = new Array(columns + 1).fill(0);
  for (let row = 0; row < rows; row++) {
    owner[columns] = row;
    let here = columns;
    const nearest = new Array(columns).fill(Infinity),
      before = new Array(columns).fill(columns),
      done = new Array(columns + 1).fill(false);
    while (owner[here] >= 0) {
      done[here] = true;
      const of = owner[here];
      let following = -1;
      for (let column = 0; column < columns; column++) {
        if (done[column]) continue;
        const way = table[of][column] - ofRow[of] - ofColumn[column];
        if (way < nearest[column]) [nearest[column], before[column]] = [way, here];
        if (following < 0 || nearest[column] < nearest[following]) following = column;
      }
      const length = nearest[following];
      for (let column = 0; column <= columns; column++) {
        if (done[column]) {
          ofRow[owner[column]] += length;
          ofColumn[column] -= length;
        } else if (column < columns) nearest[column] -= length;
      }
      here = following;
    }
    while (here !== columns) {
      owner[here] = owner[before[here]];
      here = before[here];
    }
  }
  return owner.slice(0, columns);
}
