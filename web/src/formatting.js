/** Shares and counts as people read them, the same as in every other output of mien. */

/**
 * A count with what is counted.
 * @param {number} number
 * @param {string} one What one of them is called.
 * @param {string} several What several are called, or none.
 */
export const counted = (number, one, several = `${one}s`) => `${number} ${number === 1 ? one : several}`;

/** In whole percent; a small share is not called nothing. @param {number} share 0 to 1. */
export const percent = (share) => wholePercent(Math.floor(100 * share + 0.5), share);

/**
 * Shares of one whole in whole percent that add up to it: the largest remainders are rounded up.
 * @param {number[]} shares
 */
export function percents(shares) {
  const parts = shares.map((share) => 100 * share);
  const whole = parts.map((part) => Math.floor(part + 1e-9));
  const sum = (/** @type {number[]} */ values) => values.reduce((total, value) => total + value, 0);
  const left = Math.floor(sum(parts) + 0.5) - sum(whole);
  const places = parts.map((_, at) => at).sort((a, b) => whole[a] - parts[a] - (whole[b] - parts[b]));
  for (const at of places.slice(0, left)) whole[at] += 1;
  return shares.map((share, at) => wholePercent(whole[at], share));
}

/** @param {number} number @param {number} share */
function wholePercent(number, share) {
  if (number === 0 && share > 0) return "< 1 %";
  if (number === 100 && share < 1 - 1e-9) return "> 99 %";
  return `${number} %`;
}
