// Live updates: the page follows changes on the server without reload.
//
// An element with `data-topic` subscribes to that topic. With `data-part` (and an id) it is replaced by the current
// content of the page's URL; without, it gets the event `topicchange`.

import { waitForPointerRelease } from "./pointer.js";

const WORKER = new URL("./worker.js", import.meta.url).href;
const VISIBLE_MS = 500;
const HIDDEN_MS = 1000;
const LOAD_FACTOR = 4; // pages that are slow to render are fetched less often
const RETRY_MS = 2000;
const FLICKER_MS = 1500;

const SIGNED_OUT = "The studio asks for its token again. Open the address that 'mlrun studio' printed.";
const REFUSALS = {
  401: SIGNED_OUT,
  404: "The content of this page has been deleted. The page stays as it was.",
};
const AWAY = "The workspace is unavailable now. The page updates by itself when it can be read again.";

let port = null;
let topics = []; // of the page's elements
let stale = new Set(); // topics whose parts are out of date
let isFetching = false;
let timer = 0;
let nextFetchAt = 0;
let lossTimer = 0;
let lastHeardAt = Date.now(); // from the studio

const SOURCES = ["connection", "store", "page"]; // an earlier one explains later ones
const notices = new Map(); // messages for the banner by their source

function setNotice(source, text) {
  if (text) notices.set(source, text);
  else notices.delete(source);
  const banner = document.querySelector("#banner");
  const first = notices.get(SOURCES.find((each) => notices.has(each))) ?? "";
  if (banner.textContent !== first) banner.textContent = first;
  banner.hidden = !first;
}

// --- the page -------------------------------------------------------------------------------------------------------

function handleTopics(topics) {
  const known = new Set(topics);
  for (const element of document.querySelectorAll("[data-topic]")) {
    if (!known.has(element.dataset.topic)) continue;
    if (element.dataset.part === undefined) element.dispatchEvent(new CustomEvent("topicchange"));
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
  const refreshed = stale;
  const address = location.href;
  const began = performance.now();
  stale = new Set();
  isFetching = true;
  let isDone = false;
  let retry;
  try {
    const response = await fetch(address, { headers: { "X-Studio-Part": "1" }, cache: "no-store" });
    const text = await response.text();
    lastHeardAt = Date.now();
    await waitForPointerRelease();
    // The page may have been left meanwhile; its successor may be out of date, too.
    if (location.href === address) {
      if (response.ok) morphParts(text, refreshed);
      const notice = response.ok ? "" : describeRefusal(response.status, text);
      isDone = notice !== AWAY;
      if (!isDone) retry = RETRY_MS;
      setNotice("page", notice);
    }
  } catch {
    retry = RETRY_MS; // the studio is unreachable; missed topics come again with the connection
  }
  isFetching = false;
  if (!isDone) for (const topic of refreshed) stale.add(topic);
  const took = performance.now() - began;
  nextFetchAt = began + Math.max(document.hidden ? HIDDEN_MS : VISIBLE_MS, LOAD_FACTOR * took);
  schedule(retry);
}

function describeRefusal(status, text) {
  const code = /data-error-code="(\w+)"/.exec(text)?.[1];
  if (status === 503 || code === "WorkspaceNotFound") return AWAY;
  return REFUSALS[status] ?? `The studio cannot render this page (${code ?? status}).`;
}

function morphParts(text, which) {
  const now = new DOMParser().parseFromString(text, "text/html");
  if (document.title !== now.title) document.title = now.title;
  // A page whose parts have changed, as when the first child run appears, is replaced as a whole.
  const isUnchanged = idsOfParts(document) === idsOfParts(now);
  const parts = isUnchanged ? partsOf(document).filter((part) => which.has(part.dataset.topic)) : [document.querySelector("#page")];
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

/** Keep unsent input, opened and closed details, and error messages of forms. */
function beforeNodeMorphed(before, after) {
  if (before instanceof HTMLDetailsElement && after instanceof HTMLDetailsElement) after.open = before.open;
  return !isEdited(before) && !isErrorMessage(before) && Idiomorph.defaults.callbacks.beforeNodeMorphed(before, after);
}

function isEdited(node) {
  if (node instanceof HTMLSelectElement) return [...node.options].some((option) => option.selected !== option.defaultSelected);
  if (node instanceof HTMLInputElement) return node.value !== node.defaultValue || node.checked !== node.defaultChecked;
  return node instanceof HTMLTextAreaElement && node.value !== node.defaultValue;
}

function isErrorMessage(node) {
  return node instanceof Element && node.matches(".chart-form .problem:not([hidden])");
}

// --- the connection -------------------------------------------------------------------------------------------------

function handleMessage({ data }) {
  lastHeardAt = Math.max(lastHeardAt, data.lastHeardAt ?? 0);
  if (data.isConnected !== undefined) showConnectionState(data.isConnected);
  if (data.isSignedOut) setNotice("connection", SIGNED_OUT);
  if (data.problems) {
    const roots = new Set(topics.map((topic) => topic.split("|", 1)[0]));
    const texts = Object.entries(data.problems).filter(([root, text]) => text && roots.has(root));
    if (texts.length === 0 && notices.has("store")) {
      setNotice("page", ""); // it is from before the store was away, or from meanwhile
      refreshAllParts();
    }
    setNotice("store", texts.length > 0 ? `${texts[0][1]} The page updates by itself when it can be read again.` : "");
  }
  if (data.topics) handleTopics(data.topics);
}

function showConnectionState(isConnected) {
  clearTimeout(lossTimer);
  if (isConnected) {
    setNotice("connection", "");
    return;
  }
  lossTimer = setTimeout(() => {
    if (notices.has("connection")) return;
    const since = new Date(lastHeardAt).toLocaleTimeString();
    setNotice("connection", `The studio has not answered since ${since}. The page updates by itself when it does. To start it: mlrun studio`);
  }, FLICKER_MS);
}

function listen(newPort) {
  port = newPort;
  port.onmessage = handleMessage;
  topics = [];
  updateTopics();
}

function connect() {
  if (!("SharedWorker" in window)) {
    serveInTab();
    return;
  }
  const shared = new SharedWorker(WORKER, { type: "module", name: "events of mlrun studio" });
  shared.onerror = async () => {
    const isThere = await fetch(WORKER).then((response) => response.ok, () => false);
    if (isThere) {
      serveInTab(); // the browser does not support module workers
      return;
    }
    showConnectionState(false);
    setTimeout(connect, RETRY_MS);
  };
  listen(shared.port);
}

async function serveInTab() {
  const { serve } = await import(WORKER);
  const { port1, port2 } = new MessageChannel();
  serve(port1);
  listen(port2);
}

function updateTopics() {
  const found = [...document.querySelectorAll("[data-topic]")].map((element) => element.dataset.topic);
  const now = [...new Set(found)].sort();
  if (port === null || now.join("\n") === topics.join("\n")) return;
  topics = now;
  setNotice("page", "");
  port.postMessage({ topics });
}

/** Refresh all parts of the page, after a change of its URL. */
export function refreshAllParts() {
  handleTopics(partsOf(document).map((part) => part.dataset.topic));
}

/** Subscribe to the topics of the page, and follow their changes. */
export function startLive() {
  connect();
  let soon = 0;
  new MutationObserver(() => {
    clearTimeout(soon);
    soon = setTimeout(updateTopics, 50);
  }).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-topic"] });
  const checkConnection = () => {
    port?.postMessage({ check: true });
    schedule();
  };
  window.addEventListener("online", checkConnection);
  document.addEventListener("visibilitychange", () => document.hidden || checkConnection());
  window.addEventListener("pagehide", () => port?.postMessage({ isLeaving: true }));
  // A page from the browser's back-forward cache.
  window.addEventListener("pageshow", (event) => event.persisted && connect());
}
