// Runs inside a copy of report.html and tells the page around it what a reader would find.
window.addEventListener("load", () => {
  const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
  const found = {};
  const guarded = (name, work) => { try { found[name] = work(); } catch (error) { found[name] = String(error); } };

  const overflow = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
  guarded("overflow", overflow);
  all("details").forEach((part) => { part.open = true; });
  guarded("overflowOpen", overflow);
  guarded("broken", () => all("img").filter((image) => !(image.complete && image.naturalWidth > 0)).length);
  guarded("images", () => all("img").length);
  guarded("width", () => window.innerWidth);
  guarded("paper", () => getComputedStyle(document.body).backgroundColor);

  // What each row's tile shows and what its frame surrounds, from where they are on the screen: [image, left, top, side].
  const figure = document.querySelector(".zoomable");
  const count = () => Number(figure.querySelector("input").max);
  const part = (outer, inner) => {
    const left = ((inner.left - outer.left) / outer.width) * count();
    const top = (inner.top - outer.top) / outer.height;
    return [left, top, (inner.width / outer.width) * count()];
  };
  const rounded = (values) => values.map((value) => Math.round(value * 50) / 50);
  const seen = () => ({
    frames: all(".row", figure).map((row) => {
      const strip = row.querySelector("img").getBoundingClientRect();
      return rounded(part(strip, row.querySelector(".frame").getBoundingClientRect()));
    }),
    lenses: all(".lens", figure).map((lens) => {
      return rounded(part(lens.querySelector("img").getBoundingClientRect(), lens.getBoundingClientRect()));
    }),
    labels: all(".lens", figure).map((lens) => lens.getAttribute("aria-label")),
    said: figure.querySelector("output").textContent,
  });
  const click = (element, x, y) => {
    const box = element.getBoundingClientRect();
    const at = { clientX: box.left + x * box.width, clientY: box.top + y * box.height, bubbles: true };
    element.dispatchEvent(new MouseEvent("click", at));
  };
  const press = (element, ...keys) => keys.forEach((key) => {
    element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  });
  const slide = (value) => {
    const slider = figure.querySelector("input");
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const step = (name, act) => guarded(name, () => { act(); return seen(); });

  guarded("rows", () => all(".row", figure).length);
  guarded("rendering", () => getComputedStyle(figure.querySelector(".lens img")).imageRendering);
  guarded("focusable", () => all(".tiles, .scroll", figure).every((element) => element.tabIndex === 0));
  step("atFirst", () => {});
  step("slider", () => slide(3));
  step("strip", () => click(all(".row img", figure)[2], 4.5 / count(), 0.5));
  step("plus", () => figure.querySelectorAll(".zoom button")[1].click());
  step("right", () => press(figure.querySelector(".tiles"), "ArrowRight"));
  step("corner", () => press(figure.querySelector(".tiles"), "ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowUp", "ArrowUp"));
  step("lens", () => click(all(".lens", figure)[1], 0.5, 0.5));
  step("escape", () => press(figure.querySelector(".scroll"), "Escape"));
  step("end", () => press(figure.querySelector(".scroll"), "End", "ArrowRight"));

  guarded("overlaps", () => all("svg").flatMap((svg) => {
    const words = all("text", svg).map((text) => [text.textContent.trim(), text.getBoundingClientRect()]);
    const shown = words.filter(([text, box]) => text && box.width > 0);
    const apart = (a, b) => a.right < b.left + 1 || b.right < a.left + 1 || a.bottom < b.top + 2 || b.bottom < a.top + 2;
    const pairs = shown.flatMap((a, i) => shown.slice(i + 1).map((b) => [a, b]));
    return pairs.filter(([a, b]) => !apart(a[1], b[1])).map(([a, b]) => `${a[0]} / ${b[0]}`);
  }));
  guarded("texts", () => all("svg text").filter((text) => text.getBoundingClientRect().width > 0).length);
  parent.postMessage(JSON.stringify(found), "*");
});
