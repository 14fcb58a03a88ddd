// Search and filters. Without this script everything is shown and the form is not.
(() => {
  "use strict";
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const lists = [...document.querySelectorAll("[data-set]")].map((list) => ({
    list,
    name: list.dataset.set,
    group: list.classList.contains("group"),
    items: [...list.querySelectorAll("[data-item]")].map((node) => ({ node, text: "", visible: true })),
  }));
  if (lists.length === 0) return;
  const choices = ["kind", "severity", "event"].map((name) => [name, document.getElementById(name)]);
  const number = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u202f");

  // Rows show the beginning of a commit's id, so the whole id is looked for by it.
  const word = (w) => (/^[0-9a-f]{40,64}$/.test(w) ? w.slice(0, 12) : w);

  const fits = (item, words) => {
    for (const [name, choice] of choices) {
      const own = item.node.dataset[name];
      if (choice.value !== "" && own !== undefined && own !== choice.value) return false;
    }
    if (words.length === 0) return true;
    if (item.text === "") item.text = item.node.textContent.toLowerCase();
    return words.every((w) => item.text.includes(w));
  };

  const apply = () => {
    const words = document.getElementById("q").value.toLowerCase().split(/\s+/).filter(Boolean).map(word);
    const counts = new Map();
    for (const { list, name, group, items } of lists) {
      let n = 0;
      for (const item of items) {
        const visible = fits(item, words);
        if (visible) n++;
        if (visible !== item.visible) {
          item.visible = visible;
          item.node.classList.toggle("out", !visible);
        }
      }
      const [before, all] = counts.get(name) ?? [0, 0];
      counts.set(name, [before + n, all + items.length]);
      if (group) {
        // What is off the screen is not laid out; this is about how high it is.
        list.classList.toggle("out", n === 0);
        list.style.containIntrinsicBlockSize = `${4 + 4 * n}rem`;
      }
    }
    counts.delete("dates");
    shown.value = [...counts].map(([name, [n, all]]) => `${number(n)} of ${number(all)} ${name}`).join(" · ");
  };

  let waiting = 0;
  const soon = () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 120);
  };

  // A link to a row that is filtered out takes the filter away.
  const reveal = () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.classList.contains("out") && target !== form) {
      form.reset();
      apply();
      target.scrollIntoView();
    }
  };

  form.addEventListener("input", soon);
  form.addEventListener("reset", () => setTimeout(apply));
  form.addEventListener("submit", (e) => {
    e.preventDefault();
    apply();
  });
  addEventListener("hashchange", reveal);
  form.reset();
  form.classList.remove("out");
  apply();
})();
