// A log that grows while it is looked at.
import { onContent } from "./content.js";

const KEPT_LINES = 20000; // while a log is followed, what is above them is dropped, piece by piece

onContent("[data-log]", (log) => {
  const follow = document.querySelector("[data-log-follow]");
  const earlier = document.querySelector("[data-log-earlier]");
  const tail = log.querySelector(".tail");
  let isAsking = false;
  let isWanted = false;
  let isFollowed = false;
  let knownTop = 0; // where the log is elsewhere, its reader has scrolled
  // What is shown; the attributes may be those of a page that was fetched later.
  const pieces = [pieceOf(log.dataset.start, log.querySelector(".settled"))];
  let lines = pieces[0].lines;
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

  function pieceOf(start, settled) {
    return { start: Number(start), settled, lines: settled.childElementCount };
  }

  async function fetchPiece(query) {
    const answer = await fetch(`${log.dataset.log}?${query}${log.dataset.sought ?? ""}`);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const [settled, unsettled] = holder.content.children;
    return { headers: answer.headers, settled, unsettled };
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
      piece.settled.remove();
    }
    showEarlier();
  }

  async function more() {
    const { headers, settled, unsettled } = await fetchPiece(`from=${next}`);
    const size = Number(headers.get("x-log-size"));
    if (size < shownSize) {
      location.reload(); // the file has been written anew
      return;
    }
    noticeScroll();
    if (settled.childElementCount > 0) {
      const piece = pieceOf(headers.get("x-log-start"), settled);
      pieces.push(piece);
      lines += piece.lines;
      tail.before(settled);
    }
    tail.replaceChildren(...unsettled.childNodes);
    next = Number(headers.get("x-log-next"));
    shownSize = size;
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
    const { headers, settled, unsettled } = await fetchPiece(`before=${last.start}`);
    if (pieces[0] !== last) return; // it came twice, or the top has been dropped meanwhile
    settled.append(...unsettled.childNodes);
    const piece = pieceOf(headers.get("x-log-start"), settled);
    pieces.unshift(piece);
    lines += piece.lines;
    const height = log.scrollHeight;
    log.prepend(settled);
    setFollowed(false);
    place(log.scrollTop + log.scrollHeight - height);
    showEarlier();
  });
});
