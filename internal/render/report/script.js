// Search and filters. Without this script everything is shown and the form is not.
(() => {
  "use strict";
  const form = document.getElementById("filter");
  const shown = document.getElementById("shown");
  const sets = [...document.querySelectorAll("[data-set]")].map((list) => ({
    name: list.dataset.set,
    items: [...list.querySelectorAll("[data-item]")].map((node) => ({ node, text: "", visible: true })),
  }));
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
    const counts = [];
    for (const set of sets) {
      let n = 0;
      for (const item of set.items) {
        const visible = fits(item, words);
        if (visible) n++;
        if (visible !== item.visible) {
          item.visible = visible;
          item.node.classList.toggle("out", !visible);
        }
      }
      if (set.name !== "dates") counts.push(`${number(n)} of ${number(set.items.length)} ${set.name}`);
    }
    shown.value = counts.join(" · ");
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
