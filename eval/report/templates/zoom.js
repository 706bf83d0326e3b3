// One image and one part of it, chosen on any row, enlarged in all rows at once.
(() => {
  "use strict";
  const LEVELS = [1, 2, 4];
  const limited = (value, low, high) => Math.min(Math.max(value, low), high);
  document.querySelectorAll(".zoomable").forEach(start);

  function start(figure) {
    const slider = figure.querySelector("input[type=range]");
    const said = figure.querySelector("output");
    const [out, into] = figure.querySelectorAll(".zoom button");
    const count = Number(slider.max);
    const at = { image: 0, level: 0, x: 0.5, y: 0.5 };
    const rows = [...figure.querySelectorAll(".row")].map(row);

    slider.addEventListener("input", () => show({ image: slider.value - 1 }));
    out.addEventListener("click", () => show({ level: at.level - 1 }));
    into.addEventListener("click", () => show({ level: at.level + 1 }));
    figure.querySelectorAll(".scroll, .tiles").forEach((part) => part.addEventListener("keydown", key));
    figure.querySelector(".zoom").hidden = false;
    figure.querySelectorAll(".tiles").forEach((tiles) => { tiles.hidden = false; });
    figure.classList.add("ready");
    show({});

    // A row's strip gets a frame round what is enlarged, and a tile that shows it.
    function row(element) {
      const strip = element.querySelector("img");
      const holder = document.createElement("div");
      const frame = document.createElement("i");
      holder.className = "holder";
      frame.className = "frame";
      strip.replaceWith(holder);
      holder.append(strip, frame);
      const tile = document.createElement("figure");
      const lens = document.createElement("div");
      const copy = strip.cloneNode();
      const words = document.createElement("figcaption");
      tile.className = element.className.replace("row", "tile");
      lens.className = "lens";
      copy.alt = "";
      words.append(element.querySelector("b").cloneNode(true), " ", element.querySelector("span").cloneNode(true));
      lens.append(copy);
      tile.append(lens, words);
      element.closest(".rows").querySelector(".tiles").append(tile);
      strip.addEventListener("click", (event) => {
        const [x, y] = within(event, strip);
        const image = limited(Math.floor(x * count), 0, count - 1);
        show({ image, x: x * count - image, y, level: at.level + (image === at.image ? 1 : 0) });
      });
      lens.addEventListener("click", (event) => {
        const [x, y] = within(event, lens);
        const side = 1 / LEVELS[at.level];
        const [left, top] = corner(side);
        show({ x: left + x * side, y: top + y * side, level: at.level + 1 });
      });
      return { frame, copy, lens, name: element.querySelector("b").textContent, scroller: element.closest(".scroll") };
    }

    function within(event, element) {
      const box = element.getBoundingClientRect();
      return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    }

    function corner(side) {
      return [limited(at.x - side / 2, 0, 1 - side), limited(at.y - side / 2, 0, 1 - side)];
    }

    function show(change) {
      Object.assign(at, change);
      at.image = limited(at.image, 0, count - 1);
      at.level = limited(at.level, 0, LEVELS.length - 1);
      const zoom = LEVELS[at.level];
      const [left, top] = corner(1 / zoom);
      at.x = left + 0.5 / zoom;
      at.y = top + 0.5 / zoom;
      const part = zoom === 1 ? "whole" : `${zoom} times closer`;
      for (const { frame, copy, lens, name } of rows) {
        Object.assign(frame.style, {
          left: `${(100 * (at.image + left)) / count}%`, top: `${100 * top}%`,
          width: `${100 / zoom / count}%`, height: `${100 / zoom}%`,
        });
        Object.assign(copy.style, {
          width: `${100 * zoom * count}%`, height: `${100 * zoom}%`,
          left: `${-100 * zoom * (at.image + left)}%`, top: `${-100 * zoom * top}%`,
        });
        lens.setAttribute("role", "img");
        lens.setAttribute("aria-label", `${name}, image ${at.image + 1}, ${part}`);
      }
      slider.value = at.image + 1;
      out.disabled = at.level === 0;
      into.disabled = at.level === LEVELS.length - 1;
      said.textContent = `${at.image + 1} of ${count}, ${part}`;
      new Set(rows.map((each) => each.scroller)).forEach(follow);
    }

    // Keeps the framed image in sight where the strip is wider than the screen.
    function follow(scroller) {
      const width = scroller.scrollWidth / count;
      if (at.image * width < scroller.scrollLeft) scroller.scrollLeft = at.image * width;
      const right = (at.image + 1) * width - scroller.clientWidth;
      if (right > scroller.scrollLeft) scroller.scrollLeft = right;
    }

    function key(event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const zoom = LEVELS[at.level];
      const step = 0.25 / zoom;
      const [left, top] = corner(1 / zoom);
      const moves = {
        ArrowLeft: () => (left > 0 ? { x: at.x - step } : { image: at.image - 1, x: at.image ? 1 : 0 }),
        ArrowRight: () => (left < 1 - 1 / zoom ? { x: at.x + step } : { image: at.image + 1, x: at.image < count - 1 ? 0 : 1 }),
        ArrowUp: () => (top > 0 ? { y: at.y - step } : null),
        ArrowDown: () => (top < 1 - 1 / zoom ? { y: at.y + step } : null),
        "+": () => ({ level: at.level + 1 }),
        "=": () => ({ level: at.level + 1 }),
        "-": () => ({ level: at.level - 1 }),
        Home: () => ({ image: 0 }),
        End: () => ({ image: count - 1 }),
        Escape: () => ({ level: 0 }),
      };
      const change = moves[event.key] && moves[event.key]();
      if (!change) return; // the page scrolls as usual
      event.preventDefault();
      show(change);
    }
  }
})();
