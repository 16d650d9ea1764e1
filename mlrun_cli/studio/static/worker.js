// One event stream for all tabs of a browser, in a shared worker, or in the tab where there are none.
//
// From a tab: `{topics}` to subscribe to, `{check: true}` when the connection may be lost, `{isLeaving: true}`. To a tab:
// `{topics}` that have changed, `{problems}` of stores, `{isConnected}` with `lastHeardAt`, `{isSignedOut}`.

const EVENTS = new URL("../../events", import.meta.url).href;
const SILENCE_LIMIT_MS = 40_000; // the studio sends an event every 15 s
const CHECK_LIMIT_MS = 20_000;
const CHECK_INTERVAL_MS = 5_000;
const RETRY_MS = 300;

const tabs = new Map(); // the port of each tab, and the set of its topics
let source = null;
let stream = ""; // the key of the stream that is open
let postedTopics = new Set(); // its topics that the studio has accepted
let problems = {};
let lastHeardAt = 0;
let openedAt = 0;
let isConnected = true;
let isPosting = false;
let mustPost = false;

function collectTopics() {
  return new Set([...tabs.values()].flatMap((topics) => [...topics]));
}

function broadcast(message) {
  for (const port of tabs.keys()) port.postMessage(message);
}

function setConnected(value) {
  if (isConnected === value) return;
  isConnected = value;
  broadcast({ isConnected, lastHeardAt });
}

function open() {
  source?.close();
  stream = "";
  postedTopics = new Set();
  openedAt = Date.now();
  source = new EventSource(EVENTS);
  source.onmessage = (event) => handleEvent(JSON.parse(event.data));
  source.onerror = () => {
    stream = "";
    setConnected(false);
    // Browsers do not retry after an error status.
    if (source.readyState !== EventSource.CLOSED) return;
    reopenSoon();
    reportSignedOut();
  };
}

function reopenSoon() {
  source?.close();
  source = null;
  setTimeout(() => source ?? open(), RETRY_MS);
}

/** Fetch the status of a request, since browsers do not tell that of a stream. */
async function reportSignedOut() {
  const status = await fetch(`${EVENTS}/none`, { method: "POST", body: new URLSearchParams() }).then(
    (response) => response.status,
    () => 0,
  );
  broadcast({ isSignedOut: status === 401 });
}

function handleEvent(event) {
  lastHeardAt = Date.now();
  setConnected(true);
  if (event.stream) {
    stream = event.stream;
    postedTopics = new Set();
    clearProblems();
    postTopics();
    return;
  }
  if (Object.keys(event.troubles).length > 0) {
    problems = { ...problems, ...event.troubles };
    broadcast({ problems });
  }
  if (event.topics.length === 0) return;
  for (const [port, topics] of tabs) {
    const mine = event.topics.filter((topic) => topics.has(topic));
    if (mine.length > 0) port.postMessage({ topics: mine });
  }
}

/** Forget problems before a new stream, which reports those that persist. */
function clearProblems() {
  if (Object.keys(problems).length === 0) return;
  problems = {};
  broadcast({ problems });
}

/** Post the topics of all tabs, one request at a time, so that the last state wins. */
async function postTopics() {
  mustPost = true;
  if (isPosting) return;
  isPosting = true;
  while (mustPost && stream) {
    mustPost = false;
    await post(stream, collectTopics());
  }
  isPosting = false;
}

async function post(key, topics) {
  const body = new URLSearchParams([...topics].map((topic) => ["topic", topic]));
  try {
    const response = await fetch(`${EVENTS}/${key}`, { method: "POST", body });
    if (key !== stream) return;
    if (response.ok) postedTopics = topics;
    else reopenSoon();
  } catch {
    if (key === stream) reopenSoon();
  }
}

function setTopics(port, list) {
  const before = tabs.get(port) ?? new Set();
  tabs.set(port, new Set(list));
  // The studio sends an event for topics that are new to it; these it has from another tab.
  const known = list.filter((topic) => !before.has(topic) && postedTopics.has(topic));
  if (known.length > 0) port.postMessage({ topics: known });
  if (source === null) open();
  else postTopics();
}

function leave(port) {
  if (tabs.delete(port)) postTopics();
}

function check(silence) {
  if (source === null || Date.now() - Math.max(lastHeardAt, openedAt) <= silence) return;
  setConnected(false);
  open();
}

/** Serve a tab through its port. */
export function serve(port) {
  port.onmessage = ({ data }) => {
    if (data.isLeaving) leave(port);
    else if (data.check) check(CHECK_LIMIT_MS);
    else setTopics(port, data.topics);
  };
  port.onclose = () => leave(port);
  port.postMessage({ isConnected, lastHeardAt, problems });
}

setInterval(() => check(SILENCE_LIMIT_MS), CHECK_INTERVAL_MS);
if ("SharedWorkerGlobalScope" in self) self.onconnect = (event) => serve(event.ports[0]);
