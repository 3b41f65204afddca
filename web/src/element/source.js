/** What `src` of `<mien-camera>` names: a video or an image, or why it is neither. */

/** @param {string} src @returns {Promise<"video" | "image">} */
export async function kindOf(src) {
  const url = new URL(src, document.baseURI);
  let answer;
  try {
    answer = await fetch(url, { method: url.protocol === "blob:" ? "GET" : "HEAD" });
  } catch {
    throw new Error(
      `${src}: it cannot be fetched: expected a video or an image on this site, or on one that allows it ` +
        "with CORS, and connect-src and media-src in the Content-Security-Policy",
    );
  }
  if (!answer.ok)
    throw new Error(`${src}: expected a video or an image; the server answered ${answer.status}`);
  const [type] = (answer.headers.get("content-type") ?? "nothing").split(";");
  const [kind] = type.split("/");
  if (kind !== "video" && kind !== "image")
    throw new Error(`${src}: expected a video or an image; the server says that it is ${type}`);
  return kind;
}

/** What a browser's refusal to play a video means. @param {string} src @param {Error} error */
export const videoError = (src, error) =>
  new Error(
    error.name === "NotAllowedError"
      ? `${src}: the browser plays no sound before a button was pressed: add muted, or leave autostart out`
      : `${src}: this browser cannot play it: expected a video that is whole, such as MP4 with H.264 or WebM`,
  );
