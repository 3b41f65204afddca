/**
 * Text in tables as mien writes it everywhere: what a terminal or a page would obey is spelled out
 * (`mien.core.names`), and what a spreadsheet would take for a formula is written so that it does not
 * (`mien.core.csv_cells`).
 */

const OTHERS = "\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufffe\\uffff";
const STRANGE = new RegExp(`[\\u0000-\\u001f${OTHERS}]`, "gu");
// Line breaks and tabs stay.
const STRANGE_IN_TEXT = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f${OTHERS}]`, "gu");
const LIKE_ESCAPE = /\\(?=x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})/g;
const NO_FORMULA = /^([+-]|[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$/;

/** @param {string} sign One that is not to be written as it is. */
function escaped(sign) {
  const code = sign.charCodeAt(0),
    digits = code.toString(16);
  return code < 0x80 ? `\\x${digits.padStart(2, "0")}` : `\\u${digits.padStart(4, "0")}`;
}

/** The name of a file, as text that can stand anywhere. To be used once on a name. @param {string} name */
export const spelled = (name) => name.replace(LIKE_ESCAPE, "\\x5c").replace(STRANGE, escaped);

/**
 * A text as it stands in CSV, before it is quoted.
 * @param {string} text
 * @param {boolean} path Whether it is the path of a file, which it then still names.
 */
export function cell(text, path) {
  const plain = text.replace(STRANGE_IN_TEXT, escaped);
  if (NO_FORMULA.test(plain)) return plain;
  if (path) return /^[=+\-@]/.test(plain) ? `./${plain}` : plain;
  return /^'*[=+\-@\t\r]/.test(plain) ? `'${plain}` : plain;
}
