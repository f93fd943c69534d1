"use strict";
// Everything that a model wrote arrives as data and leaves as text: nothing here makes markup of it.
(() => {
  const GRAM = 4; // words of a repeated phrase
  const SHOWN = 100; // prompts, until all are asked for

  const make = (name, attributes = {}, ...content) => {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...content);
    return element;
  };
  const table = (...sections) => make("div", { class: "scroll" }, make("table", {}, ...sections));
  const blocks = (kind) => [...document.querySelectorAll(`script[data-kind="${kind}"]`)];
  const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

  async function inflated(id) {
    const packed = atob(document.getElementById(id).textContent);
    const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return new Response(stream).text();
  }

  // Plots ------------------------------------------------------------------------------------

  const axis = {
    labelColor: "var(--quiet)", titleColor: "var(--quiet)", gridColor: "var(--line)",
    domainColor: "var(--rule)", tickColor: "var(--rule)", titleFontWeight: "normal",
    labelFontSize: 12, titleFontSize: 12, tickCount: 5, labelLimit: 140,
  };
  const config = {
    background: null, font: "system-ui, sans-serif", view: { stroke: null }, axis,
    legend: { labelColor: "var(--quiet)", titleColor: "var(--quiet)", labelFontSize: 12 },
    text: { fontSize: 12 },
  };

  async function draw() {
    const specs = blocks("plot");
    if (!specs.length) return;
    // It is the script that the page's policy names by its digest, so that it may run.
    document.body.append(Object.assign(document.createElement("script"), { textContent: await inflated("plots") }));
    const { compile, parse, View, expressionInterpreter } = window.plots;
    const nothing = () => Promise.reject(new Error("a report loads nothing"));
    for (const block of specs) {
      const place = block.previousElementSibling;
      const { spec } = compile(JSON.parse(block.textContent), { config });
      const view = new View(parse(spec, null, { ast: true }), {
        expr: expressionInterpreter, loader: { load: nothing, sanitize: nothing },
        renderer: "svg", container: place, description: place.getAttribute("aria-label"),
      });
      await view.runAsync();
      await new Promise((done) => setTimeout(done)); // a reader may scroll meanwhile
    }
    document.documentElement.dataset.drawn = specs.length;
  }

  // Answers ----------------------------------------------------------------------------------

  const wordsOf = (text) =>
    [...text.matchAll(/[\p{L}\p{N}_]+/gu)].map((found) => ({
      word: found[0].toLowerCase(), start: found.index, end: found.index + found[0].length,
    }));

  const phrases = (words) =>
    words.slice(GRAM - 1).map((_, at) => words.slice(at, at + GRAM).map((one) => one.word).join(" "));

  /** In how many of the answers each phrase is; each counts once an answer, an answer `times`. */
  function repeated(answers, least) {
    const found = new Map();
    for (const { words, times } of answers)
      for (const phrase of new Set(phrases(words))) found.set(phrase, (found.get(phrase) ?? 0) + times);
    return new Map([...found].filter(([, times]) => times >= least));
  }

  /** The text with every repeated phrase marked, neighbouring ones as one. */
  function marked(text, words, counts, total) {
    const spans = [];
    phrases(words).forEach((phrase, at) => {
      const times = counts.get(phrase);
      if (!times) return;
      const [start, end] = [words[at].start, words[at + GRAM - 1].end];
      const last = spans.at(-1);
      if (last && start <= last.end) Object.assign(last, { end, times: Math.max(times, last.times) });
      else spans.push({ start, end, times });
    });
    const pieces = [];
    let from = 0;
    for (const { start, end, times } of spans) {
      pieces.push(text.slice(from, start), make("mark", { title: `in ${times} of ${total} answers` }, text.slice(start, end)));
      from = end;
    }
    return [...pieces, text.slice(from)];
  }

  const box = (about, ...content) =>
    make("div", { class: "answer", dir: "auto" }, make("span", { class: "about", dir: "ltr" }, about), ...content);

  /** Answers that are the same text, once, with how many there are. */
  function collapsed(samples, texts) {
    const found = new Map();
    samples.forEach(([text, meaning = null, valid = null, answer = null, ending = null], index) => {
      const key = JSON.stringify([text, meaning, valid, answer, ending]);
      const known = found.get(key);
      if (known) known.indices.push(index);
      else found.set(key, { text: texts[text], meaning, valid, answer, ending, indices: [index], words: wordsOf(texts[text]) });
    });
    return [...found.values()].map((one) => ({ ...one, times: one.indices.length }));
  }

  function mostAlike(answers) {
    const sets = answers.map(({ words }) => new Set(words.map((one) => one.word)));
    let best = null;
    for (let i = 1; i < sets.length; i += 1)
      for (let j = 0; j < i; j += 1) {
        if (answers[i].text === answers[j].text) continue;
        let both = 0;
        for (const word of sets[i]) both += sets[j].has(word);
        const share = both / Math.max(1, sets[i].size + sets[j].size - both);
        if (!best || share > best.share) best = { share, pair: [answers[j], answers[i]] };
      }
    return best;
  }

  const about = (one) =>
    [
      one.times > 1 ? `${one.times} × the same: answers ${one.indices.join(", ")}` : `answer ${one.indices[0]}`,
      one.answer && `final answer ${one.answer}`, one.ending,
    ].filter(Boolean).join(" · ");

  /** By meaning, the commonest first; what is not valid last. */
  function grouped(answers) {
    const groups = new Map();
    for (const one of answers) {
      const key = one.valid === 0 ? "not valid" : String(one.meaning);
      groups.set(key, [...(groups.get(key) ?? []), one]);
    }
    const size = (group) => group.reduce((sum, one) => sum + one.times, 0);
    return [...groups]
      .map(([key, group]) => ({ key, group: group.sort((a, b) => b.times - a.times), size: size(group) }))
      .sort((a, b) => (a.key === "not valid") - (b.key === "not valid") || b.size - a.size);
  }

  function answersOf({ texts }, [, question, samples], title) {
    const answers = collapsed(samples, texts);
    const least = Math.max(2, samples.length / 4);
    const counts = repeated(answers, least);
    const shown = make("div", { class: "answers" });
    if (question !== null) shown.append(make("div", { class: "answer question", dir: "auto" }, question));
    let number = 0;
    for (const { key, group, size } of grouped(answers)) {
      const told = key !== "null" && key !== "not valid";
      const name = told ? `Meaning ${(number += 1)}` : key === "null" ? "Answers" : "Not valid";
      shown.append(make("h5", {}, `${name}: ${size} of ${count(samples.length, "answer")}`));
      shown.append(...group.map((one) => box(about(one), ...marked(one.text, one.words, counts, samples.length))));
    }
    const alike = mostAlike(answers);
    if (alike) {
      const common = repeated(alike.pair.map((one) => ({ ...one, times: 1 })), 2);
      const pair = alike.pair.map((one) => box(about(one), ...marked(one.text, one.words, common, 2)));
      shown.append(make("h5", {}, `The two most alike that differ: ${Math.round(100 * alike.share)} % of their words in common`));
      shown.append(make("div", { class: "beside" }, ...pair));
    }
    if (counts.size)
      shown.prepend(make("p", { class: "note" }, "Marked: phrases of four words that are in a quarter of the answers or more."));
    shown.setAttribute("aria-label", title);
    return shown;
  }

  const unpacked = new Map();
  async function samplesOf(id) {
    if (!unpacked.has(id)) unpacked.set(id, inflated(id).then(JSON.parse));
    const found = await unpacked.get(id);
    found.byName ??= new Map(found.prompts.map((one) => [one[0], one]));
    return found;
  }

  // The table of prompts ---------------------------------------------------------------------

  const signed = (value) => {
    const digits = Math.abs(value).toFixed(3);
    return Number(digits) === 0 ? digits : `${value < 0 ? "−" : "+"}${digits}`;
  };

  class Prompts {
    constructor(place, { families, checkpoints, part }) {
      Object.assign(this, { place, families, checkpoints, part });
      this.all = false;
      this.changes = checkpoints.some((one) => one.reference);
      this.chosen = Math.max(0, checkpoints.findIndex((one) => one.reference));
      const effective = families.findIndex((one) => one.startsWith("effective"));
      this.sort = { column: effective < 0 ? 0 : effective, down: false };
      this.body = make("tbody");
      this.head = make("thead");
      this.more = make("p");
      this.caption = make("caption");
      place.replaceChildren(this.controls(), table(this.caption, this.head, this.body), this.more);
      this.show();
    }

    get checkpoint() {
      return this.checkpoints[this.chosen];
    }

    controls() {
      const choose = make("select", {}, ...this.checkpoints.map((one, i) => make("option", { value: i }, one.name)));
      choose.value = this.chosen;
      choose.addEventListener("change", () => this.show({ chosen: Number(choose.value) }));
      const kind = make("select", {}, make("option", { value: "changes" }, "changes since the reference"), make("option", { value: "values" }, "values"));
      kind.value = this.changes ? "changes" : "values";
      kind.addEventListener("change", () => this.show({ changes: kind.value === "changes" }));
      return make("div", { class: "controls" }, make("label", {}, "checkpoint ", choose), make("label", {}, "show ", kind));
    }

    /** Of a row, the numbers that are shown. */
    numbers([, ...pairs]) {
      return this.families.map((_, i) => pairs[2 * i + (this.showsChanges ? 1 : 0)] ?? null);
    }

    show(settings = {}) {
      Object.assign(this, settings);
      this.showsChanges = this.changes && Boolean(this.checkpoint.reference);
      const title = this.showsChanges
        ? `${this.checkpoint.name}: change of each prompt since ${this.checkpoint.reference}`
        : `${this.checkpoint.name}: value of each prompt`;
      this.caption.textContent = title;
      this.head.replaceChildren(make("tr", {}, ...["prompt", ...this.families].map((name, i) => this.header(name, i - 1))));
      const rows = this.sorted();
      const shown = this.all ? rows : rows.slice(0, SHOWN);
      this.body.replaceChildren(...shown.map((row) => this.row(row)));
      this.more.replaceChildren();
      if (shown.length < rows.length) {
        const button = make("button", { type: "button" }, `Show all ${rows.length} prompts`);
        button.addEventListener("click", () => this.show({ all: true }));
        this.more.append(button);
      }
    }

    header(name, column) {
      const { sort } = this;
      const button = make("button", { type: "button" }, name);
      button.addEventListener("click", () => {
        const down = sort.column === column && !sort.down;
        this.show({ sort: { column, down } });
        this.head.querySelectorAll("button")[column + 1].focus();
      });
      const order = sort.column !== column ? "none" : sort.down ? "descending" : "ascending";
      return make("th", { scope: "col", "aria-sort": order, ...(column < 0 ? {} : { class: "number" }) }, button);
    }

    sorted() {
      const { column, down } = this.sort;
      const key = (row) => (column < 0 ? row[0] : this.numbers(row)[column]);
      const order = (a, b) => (typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
      return [...this.checkpoint.rows].sort((one, other) => {
        const [a, b] = [key(one), key(other)];
        if (a === null || b === null) return (a === null) - (b === null);
        return down ? order(b, a) : order(a, b);
      });
    }

    row(row) {
      const [name] = row;
      const cells = this.numbers(row).map((value) => {
        const text = value === null ? "–" : this.showsChanges ? signed(value) : value.toFixed(3);
        return make("td", { class: text.startsWith("−") ? "number fall" : "number" }, text);
      });
      const id = this.checkpoint.samples;
      const label = name === "" ? "(no prompt)" : name.length > 90 ? `${name.slice(0, 89)}…` : name;
      if (!id) return make("tr", {}, make("th", { scope: "row" }, label), ...cells);
      const button = make("button", { type: "button", class: "prompt", "aria-expanded": "false" }, label);
      const line = make("tr", {}, make("th", { scope: "row" }, button), ...cells);
      button.addEventListener("click", () => this.toggle(button, line, name, id));
      return line;
    }

    async toggle(button, line, name, id) {
      if (button.getAttribute("aria-expanded") === "true") {
        button.setAttribute("aria-expanded", "false");
        line.nextElementSibling?.remove();
        return;
      }
      button.setAttribute("aria-expanded", "true");
      const cell = make("td", { class: "samples", colspan: this.families.length + 1 }, "…");
      line.after(make("tr", {}, cell));
      const found = await samplesOf(id);
      const prompt = found.byName.get(name);
      cell.replaceChildren(prompt ? answersOf(found, prompt, `Answers to ${name}`) : "No answers to this prompt are at hand.");
    }
  }

  // Tables behind plots are on paper, too.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.more:not([open])")];
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });

  for (const block of blocks("prompts")) new Prompts(block.previousElementSibling, JSON.parse(block.textContent));
  draw();
})();
