/** The golden vectors, which Python writes (`make vectors`) and both sides answer. */

import { readdirSync, readFileSync } from "node:fs";

const FOLDER = new URL("../../tests/vectors/", import.meta.url);

/** Of all files but the one with the page's settings, to which there is nothing to answer. */
export const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith(".json") && file !== "settings.json")
  .map((file) => file.replace(/\.json$/, ""));

/** @param {string} name @returns {{tolerance: number, cases: {input: any, expected: any}[]}} */
export const read = (name) => JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8"));

/**
 * Where two answers differ, in words; null where they are the same. Numbers are the same when they are in 32
 * bits.
 * @param {any} got
 * @param {any} expected
 * @param {number} tolerance By how much numbers may differ all the same.
 * @param {string} [place]
 * @returns {string | null}
 */
export function difference(got, expected, tolerance, place = "answer") {
  if (typeof got === "number" && typeof expected === "number") {
    return Math.fround(got) === Math.fround(expected) || Math.abs(got - expected) <= tolerance
      ? null
      : `${place}: expected ${expected}; got ${got}`;
  }
  if (got === null || expected === null || typeof got !== "object" || typeof expected !== "object") {
    return got === expected ? null : `${place}: expected ${expected}; got ${got}`;
  }
  const keys = Object.keys(expected).sort(),
    own = Object.keys(got).sort();
  if (keys.join() !== own.join())
    return `${place}: expected ${keys.length} values (${keys}); got ${own.length} (${own})`.slice(0, 300);
  for (const key of keys) {
    const found = difference(got[key], expected[key], tolerance, `${place}.${key}`);
    if (found) return found;
  }
  return null;
}
