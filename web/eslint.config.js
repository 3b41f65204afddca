/** What is checked beyond types, which are `tsc`'s. */

import js from "@eslint/js";
import globals from "globals";

export default [
  { ignores: ["build/", "src/vendor/"] },
  js.configs.recommended,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "max-depth": ["error", 4],
      "max-len": ["error", { code: 110, ignoreUrls: true }],
      "max-lines": ["error", { max: 300, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", 60],
      "max-params": ["error", 8],
      "no-console": "error",
      "no-eval": "error",
      "no-implicit-coercion": "error",
      "no-shadow": "error",
      "no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "require-await": "error",
    },
  },
  // `src/inference` but for its worker is arithmetic alone, which Node runs as well.
  { files: ["src/**"], ignores: ["src/inference/**"], languageOptions: { globals: globals.browser } },
  // It recognises files by their first bytes.
  { files: ["src/files/kinds.js"], rules: { "no-control-regex": "off" } },
  { files: ["src/inference/worker.js"], languageOptions: { globals: globals.worker } },
  { files: ["tests/**"], languageOptions: { globals: globals.node }, rules: { "require-await": "off" } },
];
