// The page: ask an equation, watch its answer being written, see where each token came from.
const $ = (id) => document.getElementById(id);
const signs = { "+": "+", "-": "−", "*": "×", "/": "÷" };
const calm = matchMedia("(prefers-reduced-motion: reduce)");
let card = null;
let asked = 0; // requests so far: an answer that is late is not shown

function element(tag, text = "", attributes = {}) {
  const made = document.createElement(tag);
  made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

async function ask(path, body) {
  const key = $("key").value;
  const response = await fetch(path, {
    method: body ? "POST" : "GET",
    headers: { "Content-Type": "application/json", ...(key && { Authorization: `Bearer ${key}` }) },
    body: body && JSON.stringify(body),
  });
  const content = await response.json();
  if (response.ok) return content;
  if (response.status === 401) $("locked").hidden = false;
  const detail = content.detail;
  const [first] = Array.isArray(detail) ? detail : [];
  if (first?.msg.startsWith("String should match")) throw new Error(`it reads ${card?.asks ?? first.ctx.pattern}`);
  throw new Error(first?.msg ?? detail ?? content.error?.message ?? response.statusText);
}

const operatorOf = (equation) => equation.slice(1).match(/[-+*\/]/)?.[0] ?? "";

function showSum(equation, answer) {
  const operator = operatorOf(equation);
  const place = equation.indexOf(operator, 1);
  const [a, b] = [equation.slice(0, place), equation.slice(place + 1).replace("=", "")];
  const width = Math.max(a.length, b.length + 2, answer.length);
  const rows = [a.padStart(width), `${signs[operator] ?? operator} ${b.padStart(width - 2)}`, "─".repeat(width)];
  $("sum").textContent = [...rows, answer.padStart(width)].join("\n");
}

function showVerdict(traced) {
  const verdict = $("verdict");
  verdict.className = traced.verdict === "correct" ? "correct" : "wrong";
  const proof = traced.certified ? ", and proved so for every problem of this kind" : "";
  verdict.textContent = traced.verdict === "correct"
    ? `✓ right${proof}` : `✗ ${traced.verdict}: exact arithmetic says ${traced.expected}`;
}

function showWork(traced) {
  const text = traced.written.map((token) => token.text).join("");
  const steps = text.replace(/<(eos|end|bos)>/g, "").split(/<think>|<\/think>|<noop>|[;#~ ]/).filter(Boolean);
  $("work").replaceChildren(...(steps.length > 1 ? steps.map((step) => element("li", step)) : []));
}

// Certain is dark: 99.9 % and more are all the same to the eye, so the scale is that of the logarithm of doubt.
const shade = (logprob) => {
  const doubt = Math.max(1 - Math.exp(logprob), 1e-6);
  return (0.12 + 0.5 * Math.min(-Math.log10(doubt), 4) / 4).toFixed(3);
};

const percent = (logprob) => {
  const share = Math.exp(logprob) * 100;
  return share > 99.99 ? "> 99.99 %" : share < 0.01 ? "< 0.01 %" : `${share.toFixed(2)} %`;
};

function choose(index, traced) {
  const strip = $("tokens");
  const cells = [...strip.children];
  const written = cells.filter((cell) => cell.tagName === "BUTTON");
  written.forEach((cell, place) => {
    cell.setAttribute("aria-selected", String(place === index));
    cell.tabIndex = place === index ? 0 : -1;
  });
  const token = traced.written[index];
  const from = cells[traced.read.length + index];
  const arcs = $("arcs");
  arcs.replaceChildren();
  arcs.setAttribute("width", strip.scrollWidth);
  const middle = (cell) => cell.offsetLeft + cell.offsetWidth / 2;
  const floor = 104;
  for (const [place, share] of Object.entries(token.looked)) {
    if (share < 0.02 || !cells[place]) continue;
    const [x, y] = [middle(from), middle(cells[place])];
    const height = Math.min(90, 22 + Math.abs(x - y) / 3);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", x === y
      ? `M ${x - 8} ${floor} C ${x - 12} ${floor - 34}, ${x + 12} ${floor - 34}, ${x + 8} ${floor}`
      : `M ${x} ${floor} C ${x} ${floor - height}, ${y} ${floor - height}, ${y} ${floor}`);
    path.setAttribute("stroke-width", (1 + 9 * share).toFixed(2));
    path.setAttribute("stroke-opacity", (0.2 + 0.8 * share).toFixed(2));
    arcs.append(path);
  }
  const best = Object.entries(token.looked).sort((a, b) => b[1] - a[1]).filter(([, share]) => share >= 0.1).slice(0, 3);
  const looked = best.map(([place, share]) => `“${cells[place].textContent}” (${Math.round(share * 100)} %)`).join(", ");
  const rivals = Object.entries(token.rivals).map(([text, logprob]) => `“${text}” ${percent(logprob)}`).join(", ");
  $("about").textContent = `“${token.text}”: ${percent(token.logprob)} sure. `
    + (looked ? `It looked mostly at ${looked}. ` : "") + (rivals ? `It also considered ${rivals}.` : "");
}

async function write(traced, mine) {
  const strip = $("tokens");
  strip.replaceChildren(...traced.read.map((text) => element("span", text, { class: "token" })));
  $("arcs").replaceChildren();
  const pause = calm.matches ? 0 : Math.min(160, 2400 / traced.written.length);
  for (const [index, token] of traced.written.entries()) {
    const cell = element("button", token.text, { type: "button", class: "token new", role: "option", tabindex: "-1" });
    cell.style.setProperty("--sure", shade(token.logprob));
    cell.addEventListener("click", () => choose(index, traced));
    strip.append(cell);
    choose(index, traced);
    cell.scrollIntoView?.({ block: "nearest", inline: "nearest" });
    if (pause) {
      await new Promise((done) => setTimeout(done, pause));
      if (mine !== asked) return false;
    }
    cell.classList.remove("new");
  }
  return true;
}

async function run(event) {
  event?.preventDefault();
  const mine = ++asked;
  const typed = $("equation").value.trim().replace(/[×·]/g, "*").replace(/[÷:]/g, "/").replace(/[−–]/g, "-").replace(/\s/g, "");
  const equation = typed.endsWith("=") ? typed : `${typed}=`;
  $("mistake").textContent = "";
  $("verdict").textContent = "";
  try {
    const traced = await ask("/trace", { equation });
    if (mine !== asked) return;
    showSum(equation, "");
    $("work").replaceChildren();
    if (!(await write(traced, mine))) return;
    showSum(equation, traced.answer ?? "?");
    showWork(traced);
    showVerdict(traced);
    document.body.dataset.done = String(mine);
  } catch (error) {
    if (mine !== asked) return;
    $("mistake").textContent = `Not an answer: ${error.message}.`;
    document.body.dataset.done = String(mine);
  }
}

function moveAmongTokens(event) {
  const written = [...$("tokens").querySelectorAll("button")];
  const here = written.indexOf(document.activeElement);
  const step = { ArrowRight: 1, ArrowLeft: -1, Home: -written.length, End: written.length }[event.key];
  if (here < 0 || step === undefined) return;
  event.preventDefault();
  const next = written[Math.max(0, Math.min(written.length - 1, here + step))];
  next.focus();
  next.click();
}

function showKeys(operators) {
  const input = $("equation");
  const press = (key) => {
    if (key === "⌫") input.value = input.value.slice(0, -1);
    else if (key === "C") input.value = "";
    else if (key === "=") return run();
    else input.value += key;
  };
  const keys = [..."12345", ..."67890", ...operators, "⌫", "C", "="];
  $("keys").replaceChildren(...keys.map((key) => {
    const names = { "⌫": "delete", C: "clear", "=": "calculate" };
    const made = element("button", signs[key] ?? key, { type: "button", "aria-label": names[key] ?? key });
    made.addEventListener("click", () => press(key));
    return made;
  }));
}

function showCard() {
  const measured = card.metrics.exhaustive;
  const facts = {
    "model": `${card.name}, version ${card.version}`,
    "size": `${card.parameters.toLocaleString("en")} parameters`,
    "proved": card.certificate?.claim ?? "nothing",
    ...(measured && {
      "checked on": `${measured.total.toLocaleString("en")} problems, ${measured.errors.toLocaleString("en")} wrong`,
    }),
  };
  $("facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
  $("who").textContent = `${card.name}: a transformer of ${card.parameters.toLocaleString("en")} numbers that calculates`;
}

function showPairs(pairs) {
  $("pairs").replaceChildren(...Object.entries(pairs).map(([operator, rows]) => {
    const figure = element("figure");
    const grid = element("div", "", { class: "grid", role: "group", "aria-label": `digit ${operator} digit` });
    grid.append(element("span", signs[operator]), ...rows.map((_, b) => element("span", b)));
    rows.forEach((row, a) => {
      grid.append(element("span", a));
      row.forEach((pair, b) => {
        if (!pair) return grid.append(element("span", "·", { class: "none" }));
        const right = pair.verdict === "correct";
        const label = `${a}${operator}${b}=${pair.answer}`;
        const cell = element("button", right ? "" : "✗", {
          type: "button", class: right ? "correct" : "wrong", title: label, "aria-label": label, tabindex: a + b ? "-1" : "0",
        });
        cell.style.setProperty("--sure", shade(Math.log(pair.confidence)));
        cell.addEventListener("click", () => {
          $("equation").value = `${a}${operator}${b}`;
          run();
        });
        grid.append(cell);
      });
    });
    const all = rows.flat().filter(Boolean);
    const right = all.filter((pair) => pair.verdict === "correct").length;
    figure.append(element("figcaption", `${signs[operator]}: ${right} of ${all.length} right`), grid);
    grid.addEventListener("keydown", (event) => moveInGrid(event, grid));
    return figure;
  }));
}

function moveInGrid(event, grid) {
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 11, ArrowUp: -11 }[event.key];
  const cells = [...grid.children];
  const next = cells[cells.indexOf(document.activeElement) + step];
  if (!step || next?.tagName !== "BUTTON") return;
  event.preventDefault();
  document.activeElement.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

async function askPairs() {
  try {
    showPairs(await ask("/pairs"));
  } catch {
    $("pairs").replaceChildren(); // run() has said why
  }
}

async function begin() {
  $("ask").addEventListener("submit", run);
  $("equation").addEventListener("keydown", (event) => {
    if (event.key === "Escape") $("equation").value = "";
  });
  $("tokens").addEventListener("keydown", moveAmongTokens);
  try {
    card = await ask("/card");
  } catch (error) {
    $("mistake").textContent = error.message;
    return;
  }
  const operators = Object.keys(signs).filter((sign) => card.operators.includes(sign));
  $("hint").textContent = card.asks;
  $("equation").value = card.example;
  $("order").textContent = card.units_first ? "This model writes the units first." : "";
  $("key").addEventListener("change", () => run().then(askPairs));
  showKeys(operators);
  showCard();
  await run();
  await askPairs();
  document.body.dataset.ready = "yes";
}

begin();
