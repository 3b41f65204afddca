/** What the build puts into `src/vendor/`. */
declare module "*/vendor/ort.js" {
  export * from "onnxruntime-common";
}
