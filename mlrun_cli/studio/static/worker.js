// One stream of news for all tabs of a browser: runs as a shared worker, or in the tab itself where there is none.
//
// From a tab: `{topics}` that it lives by from now on, `{check: true}` when it has reason to doubt the connection,
// `{leaves: true}`. To a tab: `{topics}` of which there are news, `{troubles}` as the studio tells them, `{isConnected}`
// with `heardAt`, when the studio was heard last, `{isLockedOut}`.

const EVENTS = new URL("../../events", import.meta.url).href;
const SILENCE_MS = 40_000; // the studio says something every 15 s
const DOUBT_MS = 20_000;
const LOOK_MS = 5_000;
const RETRY_MS = 300;

const tabs = new Map(); // the port of each tab, and the set of its topics
let source = null;
let stream = ""; // the key of the stream that is open
let chosen = new Set(); // the topics that the studio knows of it
let troubles = {};
let heardAt = 0;
let openedAt = 0;
let isConnected = true;
let isChoosing = false;
let mustChoose = false;

function wanted() {
  return new Set([...tabs.values()].flatMap((topics) => [...topics]));
}

function tellAll(message) {
  for (const port of tabs.keys()) port.postMessage(message);
}

function setConnected(value) {
  if (isConnected === value) return;
  isConnected = value;
  tellAll({ isConnected, heardAt });
}

function open() {
  source?.close();
  stream = "";
  chosen = new Set();
  openedAt = Date.now();
  source = new EventSource(EVENTS);
  source.onmessage = (event) => hear(JSON.parse(event.data));
  source.onerror = () => {
    stream = "";
    setConnected(false);
    // What was answered with an error is not tried again by the browser.
    if (source.readyState !== EventSource.CLOSED) return;
    openLater();
    tellWhetherLockedOut();
  };
}

function openLater() {
  source?.close();
  source = null;
  setTimeout(() => source ?? open(), RETRY_MS);
}

/** The browser does not tell with which error a stream was answered. */
async function tellWhetherLockedOut() {
  const status = await fetch(`${EVENTS}/none`, { method: "POST", body: new URLSearchParams() }).then(
    (answer) => answer.status,
    () => 0,
  );
  tellAll({ isLockedOut: status === 401 });
}

function hear(news) {
  heardAt = Date.now();
  setConnected(true);
  if (news.stream) {
    stream = news.stream;
    chosen = new Set();
    forgetTroubles();
    choose();
    return;
  }
  if (Object.keys(news.troubles).length > 0) {
    troubles = { ...troubles, ...news.troubles };
    tellAll({ troubles });
  }
  if (news.topics.length === 0) return;
  for (const [port, topics] of tabs) {
    const mine = news.topics.filter((topic) => topics.has(topic));
    if (mine.length > 0) port.postMessage({ topics: mine });
  }
}

/** A new stream is told of the troubles that there still are. */
function forgetTroubles() {
  if (Object.keys(troubles).length === 0) return;
  troubles = {};
  tellAll({ troubles });
}

/** Tell the studio what all tabs live by; one request at a time, and the last one has the last word. */
async function choose() {
  mustChoose = true;
  if (isChoosing) return;
  isChoosing = true;
  while (mustChoose && stream) {
    mustChoose = false;
    await post(stream, wanted());
  }
  isChoosing = false;
}

async function post(key, topics) {
  const body = new URLSearchParams([...topics].map((topic) => ["topic", topic]));
  try {
    const answer = await fetch(`${EVENTS}/${key}`, { method: "POST", body });
    if (key !== stream) return;
    if (answer.ok) chosen = topics;
    else openLater();
  } catch {
    if (key === stream) openLater();
  }
}

function setTopics(port, list) {
  const before = tabs.get(port) ?? new Set();
  tabs.set(port, new Set(list));
  // The studio tells of those once that it hears of for the first time; these it knows from another tab.
  const known = list.filter((topic) => !before.has(topic) && chosen.has(topic));
  if (known.length > 0) port.postMessage({ topics: known });
  if (source === null) open();
  else choose();
}

function leave(port) {
  if (tabs.delete(port)) choose();
}

function check(silence) {
  if (source === null || Date.now() - Math.max(heardAt, openedAt) <= silence) return;
  setConnected(false);
  open();
}

/** Serve one tab by a port to it. */
export function serve(port) {
  port.onmessage = ({ data }) => {
    if (data.leaves) leave(port);
    else if (data.check) check(DOUBT_MS);
    else setTopics(port, data.topics);
  };
  port.onclose = () => leave(port);
  port.postMessage({ isConnected, heardAt, troubles });
}

setInterval(() => check(SILENCE_MS), LOOK_MS);
if ("SharedWorkerGlobalScope" in self) self.onconnect = (event) => serve(event.ports[0]);
