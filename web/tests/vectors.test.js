/** The page answers as Python does. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { answers } from "./answers.js";
import { difference, names, read } from "./vectors.js";

test("every vector has an answer, and every answer a vector", () => {
  assert.deepEqual(Object.keys(answers).sort(), [...names].sort());
});

for (const name of names) {
  const { tolerance, cases } = read(name);
  cases.forEach(({ input, expected }, at) => {
    test(`${name} ${at}`, async () => {
      assert.equal(difference(await answers[name](input), expected, tolerance), null);
    });
  });
}

test("differences are seen", () => {
  assert.equal(difference([1, 0.1], [1, Math.fround(0.1)], 0), null);
  assert.match(difference([1, 0.1], [1, 0.2], 0) ?? "", /answer\.1: expected 0\.2; got 0\.1/);
  assert.equal(difference({ a: 1.05 }, { a: 1 }, 0.1), null);
  assert.match(difference({ a: [1] }, { a: [1, 2] }, 0) ?? "", /expected 2 values/);
  assert.match(difference(null, [], 0) ?? "", /expected/);
});
