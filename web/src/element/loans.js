/**
 * Networks that the elements of a page share: each is loaded once, and its memory is given back when the last
 * element that uses it is gone.
 * @typedef {import("../device.js").Device} Device
 * @typedef {{key: string, loading: Promise<Device>, users: number}} Loan
 */

import { openFolder } from "../folder.js";

/** @type {Map<string, Loan>} */
const loans = new Map();

/** @param {import("../reader.js").LoadOptions} options @returns {Loan} */
export function borrow(options) {
  const key = JSON.stringify(options);
  let loan = loans.get(key);
  if (!loan) {
    loan = { key, loading: openFolder(options), users: 0 };
    loans.set(key, loan);
    loan.loading.catch(() => loans.delete(key)); // Whoever comes next tries again.
  }
  loan.users++;
  return loan;
}

/** @param {Loan | null} loan */
export function giveBack(loan) {
  // An element that is moved to another place is taken out first.
  queueMicrotask(() => {
    if (!loan || --loan.users > 0) return;
    if (loans.get(loan.key) === loan) loans.delete(loan.key);
    loan.loading.then(
      (device) => device.close(),
      () => {},
    );
  });
}
