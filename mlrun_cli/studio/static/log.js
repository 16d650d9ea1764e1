// A log that grows while it is looked at.
import { onContent } from "./content.js";
import { pointerIsFree } from "./pointer.js";

const KEPT_LINES = 20000; // while a log is followed, what is above them is dropped, piece by piece

/** The lines of a piece: those that stay as they are, and those that may still be written over. */
function linesOf(holder) {
  const [settled, unsettled] = holder.children;
  return { settled: [...settled.children], unsettled: [...unsettled.children] };
}

function together(lines) {
  const fragment = document.createDocumentFragment();
  for (const line of lines) fragment.append(line);
  return fragment;
}

onContent("[data-log]", (log) => {
  const follow = document.querySelector("[data-log-follow]");
  const earlier = document.querySelector("[data-log-earlier]");
  let isAsking = false;
  let isWanted = false;
  let isFollowed = false;
  let knownTop = 0; // where the log is elsewhere, its reader has scrolled
  // What is shown, one line after the other; the attributes may be those of a page that was fetched later.
  const shown = linesOf(log);
  const pieces = [pieceOf(log.dataset.start, shown.settled)];
  let lines = shown.settled.length; // of the pieces
  let tail = shown.unsettled; // the lines behind them
  let next = Number(log.dataset.next);
  let shownSize = Number(log.dataset.size);

  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const toEnd = () => place(log.scrollHeight);

  function place(top) {
    log.scrollTop = top;
    knownTop = log.scrollTop;
  }

  function noticeScroll() {
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
    const answer = await fetch(`${log.dataset.log}?${query}${log.dataset.sought ?? ""}`);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    return { headers: answer.headers, ...linesOf(holder.content) };
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

  /** Show lines in the place of the tail's; what is the same is left alone, as it may be selected. */
  function replaceTail(now) {
    const changed = now.findIndex((line, place) => !tail[place]?.isEqualNode(line));
    const same = changed < 0 ? now.length : changed;
    for (const line of tail.slice(same)) line.remove();
    log.append(together(now.slice(same)));
    tail = [...tail.slice(0, same), ...now.slice(same)];
  }

  async function more() {
    const { headers, settled, unsettled } = await fetchPiece(`from=${next}`);
    await pointerIsFree();
    const size = Number(headers.get("x-log-size"));
    if (size < shownSize) {
      location.reload(); // the file has been written anew
      return;
    }
    noticeScroll();
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
    // What a log gains while one looks away may be more than one piece.
    if (Number(headers.get("x-log-end")) < size) isWanted = true;
  }

  async function update() {
    if (isAsking) {
      isWanted = true;
      return;
    }
    isAsking = true;
    do {
      isWanted = false;
      try {
        await more();
      } catch {
        break; // the banner says that the studio is away; the next news ask again
      }
    } while (isWanted);
    isAsking = false;
  }

  log.replaceChildren(together([...shown.settled, ...shown.unsettled]));
  log.style.overflowAnchor = "none"; // where it stands is decided here alone
  const found = log.querySelector("mark[aria-current]");
  if (found) {
    const mark = found.getBoundingClientRect();
    const box = log.getBoundingClientRect();
    place(log.scrollTop + (mark.top + mark.bottom - box.top - box.bottom) / 2);
  }
  if (log.hasAttribute("data-live")) {
    setFollowed(log.hasAttribute("data-end-shown"));
    if (isFollowed) toEnd();
    log.addEventListener("news", update);
    log.addEventListener("update", update);
    log.addEventListener("scroll", noticeScroll);
    follow?.addEventListener("change", () => {
      setFollowed(follow.checked);
      if (isFollowed) toEnd();
    });
  } else {
    follow?.addEventListener("change", () => location.assign(document.querySelector("[data-log-end]").href));
  }

  log.addEventListener("update", showEarlier);
  earlier.addEventListener("click", async (event) => {
    event.preventDefault();
    const last = pieces[0];
    const { headers, ...found } = await fetchPiece(`before=${last.start}`);
    if (pieces[0] !== last) return; // it came twice, or the top has been dropped meanwhile
    const above = [...found.settled, ...found.unsettled];
    pieces.unshift(pieceOf(headers.get("x-log-start"), above));
    lines += above.length;
    const height = log.scrollHeight;
    log.prepend(together(above));
    setFollowed(false);
    place(log.scrollTop + log.scrollHeight - height);
    showEarlier();
  });
});
