// News: what has changed on the server changes on the page, without reload.
//
// An element with `data-topic` lives by that topic. With `data-part` (and an id) it is replaced by what the page's own
// address has to say now; without, it is sent the event `news`.

import { pointerIsFree } from "./pointer.js";

const WORKER = new URL("./worker.js", import.meta.url).href;
const VISIBLE_MS = 500;
const HIDDEN_MS = 1000;
const COURTESY = 4; // a page that is costly to make is asked for less often
const RETRY_MS = 2000;
const FLICKER_MS = 1500;

const LOCKED_OUT = "The studio asks for its token again: open the address that 'mlrun studio' has printed.";
const REFUSALS = {
  401: LOCKED_OUT,
  404: "What this page shows is not there any more: it has been deleted. The page stays as it was.",
  503: "The store cannot be read at the moment. The page goes on by itself when it can.",
};

let port = null;
let topics = []; // that the page lives by
let stale = new Set(); // of which the page does not show the latest
let isFetching = false;
let timer = 0;
let nextFetchAt = 0;
let lossTimer = 0;
let heardAt = Date.now(); // of the studio

const said = new Map(); // by its reason, what is wrong

function say(reason, text) {
  if (text) said.set(reason, text);
  else said.delete(reason);
  const banner = document.querySelector("#banner");
  const first = said.values().next().value ?? "";
  if (banner.textContent !== first) banner.textContent = first;
  banner.hidden = !first;
}

// --- the page -------------------------------------------------------------------------------------------------------

function take(news) {
  const known = new Set(news);
  for (const element of document.querySelectorAll("[data-topic]")) {
    if (!known.has(element.dataset.topic)) continue;
    if (element.dataset.part === undefined) element.dispatchEvent(new CustomEvent("news"));
    else stale.add(element.dataset.topic);
  }
  schedule();
}

function schedule(delay = nextFetchAt - performance.now()) {
  if (stale.size === 0 || isFetching) return;
  clearTimeout(timer);
  timer = setTimeout(refresh, Math.max(0, delay));
}

async function refresh() {
  const mine = stale;
  const address = location.href;
  const began = performance.now();
  stale = new Set();
  isFetching = true;
  let isDone = false;
  let retry;
  try {
    const answer = await fetch(address, { headers: { "X-Studio-Part": "1" }, cache: "no-store" });
    const text = await answer.text();
    heardAt = Date.now();
    await pointerIsFree();
    // A page that has been left meanwhile is of no use, but its successor may be as old as the news.
    if (location.href === address) {
      if (answer.ok) morph(text, mine);
      isDone = answer.status !== 503;
      if (!isDone) retry = RETRY_MS;
      say("page", answer.ok ? "" : (REFUSALS[answer.status] ?? `The studio cannot make this page anew (${answer.status}).`));
    }
  } catch {
    retry = RETRY_MS; // the studio is away; what the page missed comes again with the connection
  }
  isFetching = false;
  if (!isDone) for (const topic of mine) stale.add(topic);
  const took = performance.now() - began;
  nextFetchAt = began + Math.max(document.hidden ? HIDDEN_MS : VISIBLE_MS, COURTESY * took);
  schedule(retry);
}

function morph(text, which) {
  const now = new DOMParser().parseFromString(text, "text/html");
  if (document.title !== now.title) document.title = now.title;
  // Where the page has other parts by now, as when the first child run appears, all of it is made anew.
  const isAlike = idsOfParts(document) === idsOfParts(now);
  const parts = isAlike ? partsOf(document).filter((part) => which.has(part.dataset.topic)) : [document.querySelector("#page")];
  for (const part of parts) {
    if (!part.isConnected) continue;
    Idiomorph.morph(part, now.getElementById(part.id), { morphStyle: "outerHTML", callbacks: { beforeNodeMorphed } });
    htmx.process(part);
  }
}

function partsOf(page) {
  return [...page.querySelectorAll("[data-part][data-topic]")];
}

function idsOfParts(page) {
  return partsOf(page).map((part) => part.id).join("\n");
}

/** What the reader has typed or chosen and not yet sent, opened or closed, stays, and why it was refused. */
function beforeNodeMorphed(before, after) {
  if (before instanceof HTMLDetailsElement && after instanceof HTMLDetailsElement) after.open = before.open;
  return !isFilledIn(before) && !isRefusal(before) && Idiomorph.defaults.callbacks.beforeNodeMorphed(before, after);
}

function isFilledIn(node) {
  if (node instanceof HTMLSelectElement) return [...node.options].some((option) => option.selected !== option.defaultSelected);
  if (node instanceof HTMLInputElement) return node.value !== node.defaultValue || node.checked !== node.defaultChecked;
  return node instanceof HTMLTextAreaElement && node.value !== node.defaultValue;
}

function isRefusal(node) {
  return node instanceof Element && node.matches(".chart-form .problem:not([hidden])");
}

// --- the connection -------------------------------------------------------------------------------------------------

function hear({ data }) {
  heardAt = Math.max(heardAt, data.heardAt ?? 0);
  if (data.isConnected !== undefined) showConnection(data.isConnected);
  if (data.isLockedOut) say("connection", LOCKED_OUT);
  if (data.troubles) {
    const roots = new Set(topics.map((topic) => topic.split("|", 1)[0]));
    const texts = Object.entries(data.troubles).filter(([root, text]) => text && roots.has(root));
    say("store", texts.length > 0 ? `${texts[0][1]} The page goes on by itself when it can be read again.` : "");
  }
  if (data.topics) take(data.topics);
}

function showConnection(isConnected) {
  clearTimeout(lossTimer);
  if (isConnected) {
    say("connection", "");
    return;
  }
  lossTimer = setTimeout(() => {
    if (said.has("connection")) return;
    const since = new Date(heardAt).toLocaleTimeString();
    say("connection", `The studio has not answered since ${since}. The page goes on by itself when it does; to start it: mlrun studio`);
  }, FLICKER_MS);
}

function listen(newPort) {
  port = newPort;
  port.onmessage = hear;
  topics = [];
  chooseTopics();
}

function connect() {
  if (!("SharedWorker" in window)) {
    serveOneself();
    return;
  }
  const shared = new SharedWorker(WORKER, { type: "module", name: "news of mlrun studio" });
  shared.onerror = async () => {
    const isThere = await fetch(WORKER).then((answer) => answer.ok, () => false);
    if (isThere) {
      serveOneself(); // the browser knows no such workers
      return;
    }
    showConnection(false);
    setTimeout(connect, RETRY_MS);
  };
  listen(shared.port);
}

async function serveOneself() {
  const { serve } = await import(WORKER);
  const { port1, port2 } = new MessageChannel();
  serve(port1);
  listen(port2);
}

function chooseTopics() {
  const found = [...document.querySelectorAll("[data-topic]")].map((element) => element.dataset.topic);
  const now = [...new Set(found)].sort();
  if (port === null || now.join("\n") === topics.join("\n")) return;
  topics = now;
  say("page", "");
  port.postMessage({ topics });
}

/** Have all parts of the page made anew: its address says something else now. */
export function askAnew() {
  take(partsOf(document).map((part) => part.dataset.topic));
}

/** Begin to listen for what the page lives by, and go on as it changes. */
export function startLive() {
  connect();
  let soon = 0;
  new MutationObserver(() => {
    clearTimeout(soon);
    soon = setTimeout(chooseTopics, 50);
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-topic"] });
  const doubt = () => {
    port?.postMessage({ check: true });
    schedule();
  };
  window.addEventListener("online", doubt);
  document.addEventListener("visibilitychange", () => document.hidden || doubt());
  window.addEventListener("pagehide", () => port?.postMessage({ leaves: true }));
  // A page that the browser has kept comes back as it was.
  window.addEventListener("pageshow", (event) => event.persisted && connect());
}
