// Keeps the page fresh: fetches it again and puts what has changed into its place, so that a selection, the
// focus and the scroll position stay, and a screen reader hears of nothing but changes. The server draws; a
// parsed document runs no scripts.
"use strict";

const PERIOD = 500; // ms between an answer and the next question
const LONGEST_PERIOD = 5000; // ms, reached step by step while nobody answers
const ANSWER_WITHIN = 2000; // ms
const PARTS = ["title", "header", "main", "footer"];

const silence = document.getElementById("silence");
let heardAt = Date.now();
let failures = 0;
let timer = 0;

async function refresh() {
  try {
    const answer = await fetch(location.href, {
      cache: "no-store",
      signal: AbortSignal.timeout(ANSWER_WITHIN),
    });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok) throw new Error("its election loop does not go round");
    take(fresh);
  } catch (error) {
    failures += 1;
    tellSilence(error);
  }
  plan();
}

function take(fresh) {
  const version = document.documentElement.dataset.version;
  if (fresh.documentElement.dataset.version !== version || !silence) return location.reload();
  for (const part of PARTS) update(document.querySelector(part), fresh.querySelector(part));
  heardAt = Date.now();
  failures = 0;
  silence.hidden = true;
  delete document.documentElement.dataset.silent;
}

function tellSilence(error) {
  if (!silence) return;
  const reason = error.message.startsWith("its ") ? `: ${error.message}` : "";
  const seconds = Math.round((Date.now() - heardAt) / 1000);
  silence.textContent = `No answer from this node for ${seconds} s${reason}. What is shown here is old.`;
  silence.hidden = false;
  document.documentElement.dataset.silent = "";
}

function plan() {
  clearTimeout(timer);
  if (!document.hidden) timer = setTimeout(refresh, Math.min(PERIOD * (1 + failures), LONGEST_PERIOD));
}

function update(old, fresh) {
  if (old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (!(old instanceof Element)) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
  const kept = [...old.childNodes];
  const wanted = [...fresh.childNodes];
  wanted.forEach((child, place) => (kept[place] ? update(kept[place], child) : old.append(child)));
  kept.slice(wanted.length).forEach((child) => child.remove());
}

document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : refresh()));
plan();
