// A log that grows while it is shown.
import { onContent } from "./content.js";
import { waitForPointerRelease } from "./pointer.js";

const KEPT_LINES = 20000; // more lines are dropped from the top while a log is followed

/** Return the settled lines of a piece, and those that may be overwritten. */
function splitPiece(holder) {
  const [settled, unsettled] = holder.children;
  return { settled: [...settled.children], unsettled: [...unsettled.children] };
}

function createFragment(lines) {
  const fragment = document.createDocumentFragment();
  for (const line of lines) fragment.append(line);
  return fragment;
}

onContent("[data-log]", (log) => {
  const follow = document.querySelector("[data-log-follow]");
  const earlier = document.querySelector("[data-log-earlier]");
  let isFetching = false;
  let isStale = false;
  let isFollowed = false;
  let knownTop = 0; // if the log is elsewhere, the user has scrolled
  // The shown lines; the attributes may be those of a page that was fetched later.
  const shown = splitPiece(log);
  const pieces = [pieceOf(log.dataset.start, shown.settled)];
  let lines = shown.settled.length; // of the pieces
  let tail = shown.unsettled; // the lines behind them
  let next = Number(log.dataset.next);
  let shownSize = Number(log.dataset.size);

  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const scrollToEnd = () => place(log.scrollHeight);

  function place(top) {
    log.scrollTop = top;
    knownTop = log.scrollTop;
  }

  function handleScroll() {
    if (log.scrollTop === knownTop) return;
    knownTop = log.scrollTop;
    setFollowed(isAtEnd());
  }

  function setFollowed(isNow) {
    isFollowed = isNow;
    if (follow) follow.checked = isNow;
  }

  function pieceOf(start, { length }) {
    return { start: Number(start), lines: length };
  }

  async function fetchPiece(query) {
    const response = await fetch(`${log.dataset.log}?${query}${log.dataset.sought ?? ""}`);
    if (!response.ok) throw new Error(`${response.status}`);
    const holder = document.createElement("template");
    holder.innerHTML = await response.text();
    return { headers: response.headers, ...splitPiece(holder.content) };
  }

  function showEarlier() {
    const { start } = pieces[0];
    const address = new URL(earlier.href);
    if (address.searchParams.get("before") !== `${start}`) {
      earlier.href = `?before=${start}`;
      earlier.textContent = "Earlier";
    }
    earlier.hidden = start === 0;
  }

  function dropTop() {
    while (lines - pieces[0].lines >= KEPT_LINES) {
      const piece = pieces.shift();
      lines -= piece.lines;
      for (let line = 0; line < piece.lines; line++) log.firstElementChild.remove();
    }
    showEarlier();
  }

  /** Replace the tail's lines; equal ones are kept, since they may be selected. */
  function replaceTail(now) {
    const changed = now.findIndex((line, place) => !tail[place]?.isEqualNode(line));
    const same = changed < 0 ? now.length : changed;
    for (const line of tail.slice(same)) line.remove();
    log.append(createFragment(now.slice(same)));
    tail = [...tail.slice(0, same), ...now.slice(same)];
  }

  async function fetchMore() {
    const { headers, settled, unsettled } = await fetchPiece(`from=${next}`);
    await waitForPointerRelease();
    const size = Number(headers.get("x-log-size"));
    if (size < shownSize) {
      location.reload(); // the file has been replaced
      return;
    }
    handleScroll();
    replaceTail([...settled, ...unsettled]);
    if (settled.length > 0) {
      pieces.push(pieceOf(headers.get("x-log-start"), settled));
      lines += settled.length;
      tail = tail.slice(settled.length);
    }
    next = Number(headers.get("x-log-next"));
    shownSize = size;
    document.querySelector("#file-size").textContent = headers.get("x-log-size-written");
    document.querySelector("[data-log-empty]")?.remove();
    if (isFollowed) dropTop();
    place(isFollowed ? log.scrollHeight : log.scrollTop);
    // A hidden page may have missed more than one piece.
    if (Number(headers.get("x-log-end")) < size) isStale = true;
  }

  async function update() {
    if (isFetching) {
      isStale = true;
      return;
    }
    isFetching = true;
    do {
      isStale = false;
      try {
        await fetchMore();
      } catch {
        break; // the banner shows the problem; the next event fetches again
      }
    } while (isStale);
    isFetching = false;
  }

  log.replaceChildren(createFragment([...shown.settled, ...shown.unsettled]));
  log.style.overflowAnchor = "none"; // only this script scrolls it
  const found = log.querySelector("mark[aria-current]");
  if (found) {
    const mark = found.getBoundingClientRect();
    const box = log.getBoundingClientRect();
    place(log.scrollTop + (mark.top + mark.bottom - box.top - box.bottom) / 2);
  }
  if (log.hasAttribute("data-live")) {
    setFollowed(follow?.checked ?? log.hasAttribute("data-end-shown")); // it may have been ticked before this script was there
    if (isFollowed) scrollToEnd();
    log.addEventListener("topicchange", update);
    log.addEventListener("update", update);
    log.addEventListener("scroll", handleScroll);
    follow?.addEventListener("change", () => {
      setFollowed(follow.checked);
      if (isFollowed) scrollToEnd();
    });
  } else {
    const showEnd = () => location.assign(document.querySelector("[data-log-end]").href);
    follow?.addEventListener("change", showEnd);
    if (follow && follow.checked !== follow.defaultChecked) showEnd(); // ticked before this script was there
  }

  log.addEventListener("update", showEarlier);
  earlier.addEventListener("click", async (event) => {
    event.preventDefault();
    const last = pieces[0];
    const { headers, ...found } = await fetchPiece(`before=${last.start}`);
    if (pieces[0] !== last) return; // it was fetched twice, or the top was dropped meanwhile
    const above = [...found.settled, ...found.unsettled];
    pieces.unshift(pieceOf(headers.get("x-log-start"), above));
    lines += above.length;
    const height = log.scrollHeight;
    log.prepend(createFragment(above));
    setFollowed(false);
    place(log.scrollTop + log.scrollHeight - height);
    showEarlier();
  });
});
