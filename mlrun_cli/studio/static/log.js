// A log that grows while it is looked at.
import { onContent } from "./content.js";

const MOST_LINES = 20000;

onContent("[data-log]", (log) => {
  const follow = document.querySelector("[data-log-follow]");
  let isAsking = false;
  let isWanted = false;
  // What is shown; the attributes may be those of a page that was fetched later.
  let start = Number(log.dataset.start);
  let tail = Number(log.dataset.tail);
  let shownSize = Number(log.dataset.size);

  const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const toEnd = () => (log.scrollTop = log.scrollHeight);

  async function piece(query) {
    const answer = await fetch(`${log.dataset.log}?${query}`);
    if (!answer.ok) throw new Error(`${answer.status}`);
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    return { headers: answer.headers, content: holder.content };
  }

  function cutTop(settled) {
    let surplus = settled.childElementCount - MOST_LINES;
    while (surplus-- > 0) settled.firstElementChild.remove();
  }

  async function more() {
    const { headers, content } = await piece(`from=${tail}`);
    const size = Number(headers.get("x-log-size"));
    if (size < shownSize) {
      location.reload(); // the file has been written anew
      return;
    }
    const settled = log.querySelector(".settled");
    const stays = !isAtEnd();
    settled.append(...content.querySelector(".settled").childNodes);
    log.querySelector(".tail").replaceChildren(...content.querySelector(".tail").childNodes);
    tail = Number(headers.get("x-log-tail"));
    shownSize = size;
    document.querySelector("[data-log-empty]")?.remove();
    if (!stays) cutTop(settled);
    if (!stays || follow?.checked) toEnd();
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

  if (log.hasAttribute("data-live")) {
    toEnd();
    log.addEventListener("news", update);
    log.addEventListener("update", update);
    log.addEventListener("scroll", () => {
      if (follow && !isAtEnd()) follow.checked = false;
    });
    follow?.addEventListener("change", () => follow.checked && toEnd());
  }

  document.querySelector("[data-log-earlier]")?.addEventListener("click", async (event) => {
    event.preventDefault();
    const link = event.currentTarget;
    const height = log.scrollHeight;
    const { headers, content } = await piece(`before=${start}`);
    const settled = log.querySelector(".settled");
    settled.prepend(...content.querySelector(".settled").childNodes, ...content.querySelector(".tail").childNodes);
    start = Number(headers.get("x-log-start"));
    log.scrollTop += log.scrollHeight - height;
    if (start === 0) link.remove();
  });
});
