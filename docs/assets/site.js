// What the theme adds to a page when it is loaded gets what people need who use the keyboard or a screen reader.
addEventListener("load", () =>
  setTimeout(() => {
    for (const frame of document.querySelectorAll(".md-typeset__scrollwrap")) {
      frame.tabIndex = 0; // Tables that are wider than the page scroll.
    }
    document.querySelectorAll(".md-code__nav").forEach((buttons, index) => {
      buttons.setAttribute("aria-label", `Example ${index + 1}`);
    });
  }),
);
