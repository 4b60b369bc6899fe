// One blind listening test. The page knows sounds by random names and nothing else about them.
const $ = (id) => document.getElementById(id);
const element = (tag, text, attributes) => {
  const made = Object.assign(document.createElement(tag), attributes || {});
  if (text) made.textContent = text;
  return made;
};
const test = JSON.parse($("test").textContent);
const place = "singwiz-listening-" + test.digest;
const fresh = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  return {
    session: [...bytes.slice(0, 8)].map((b) => b.toString(16).padStart(2, "0")).join(""),
    order: bytes[8] % test.orders.length,
    listener: "", started: "", answers: [],
  };
};
const recall = () => { // an interrupted test goes on in the same browser
  try {
    const kept = JSON.parse(localStorage.getItem(place));
    if (kept && Array.isArray(kept.answers) && test.orders[kept.order]) return kept;
  } catch (error) { /* private windows keep nothing */ }
  return fresh();
};
const keep = () => {
  try { localStorage.setItem(place, JSON.stringify(state)); } catch (error) { /* as above */ }
};
let state = recall();
let player = null, shownAt = 0, heard = new Set(), draft = {};

const bytesOf = (name) => {
  const text = atob($("s-" + name).textContent.trim());
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes.buffer;
};
const question = () => test.orders[state.order].questions[state.answers.length];

function begin() {
  state.listener = $("listener").value.trim().slice(0, 60);
  if (!state.started) state.started = new Date().toISOString();
  keep();
  show();
}

function show() {
  if (player) player.close();
  player = null;
  const now = question();
  for (const id of ["welcome", "asking", "done"]) $(id).hidden = true;
  if (!now) { $("done").hidden = false; return; }
  $("asking").hidden = false;
  const total = test.orders[state.order].questions.length;
  $("progress").max = total;
  $("progress").value = state.answers.length;
  $("count").textContent = `${state.answers.length + 1} / ${total}`;
  heard = new Set();
  draft = { scores: {}, score: null, tags: [] };
  shownAt = performance.now();
  player = new VersionPlayer(
    now.letters.map((letter, i) => ({ letter, load: async () => bytesOf(now.sounds[i]) })),
    (letter) => {
      document.querySelectorAll("[data-play]").forEach((button) =>
        button.classList.toggle("sounding", button.dataset.play === letter));
    }
  );
  const sounds = $("sounds"), votes = $("votes");
  sounds.replaceChildren();
  votes.replaceChildren();
  for (const letter of now.letters) {
    const name = letter === "R" ? test.words.reference : letter;
    const button = element("button", "▶ " + name, { type: "button" });
    button.dataset.play = letter;
    button.onclick = () => play(letter);
    sounds.append(button);
  }
  const silence = element("button", "■ " + test.words.stop, { type: "button" });
  silence.onclick = () => player.stop();
  sounds.append(silence);
  ({ mushra: askScores, tag: askTags }[test.kind] || askChoice)(now, votes);
  update();
}

async function play(letter) {
  heard.add(letter);
  update();
  await player.play(letter);
}

function askChoice(now, votes) {
  now.rated.forEach((letter, i) => {
    const button = element("button", `${i + 1}: ${test.words.vote.replace("{letter}", letter)}`,
      { type: "button", className: "main", id: "vote-" + letter });
    button.onclick = () => answer({ choice: letter });
    votes.append(button);
  });
}

function askScores(now, votes) {
  for (const letter of now.rated) {
    const line = element("p"), slider = element("input", "",
      { type: "range", min: 0, max: 100, value: 50, id: "score-" + letter });
    const value = element("output", "–");
    slider.oninput = () => {
      draft.scores[letter] = Number(slider.value);
      value.textContent = slider.value;
      update();
    };
    line.append(element("label", letter + " ", { htmlFor: slider.id }), slider, " ", value);
    votes.append(line);
  }
  send(votes, () => ({ scores: draft.scores }));
}

function askTags(now, votes) {
  const scores = element("fieldset");
  scores.append(element("legend", test.words.quality));
  test.words.grades.forEach((grade, i) => {
    const label = element("label"), box = element("input", "",
      { type: "radio", name: "score", id: "score-" + (5 - i) });
    box.onchange = () => { draft.score = 5 - i; update(); };
    label.append(box, ` ${5 - i} ${grade}`);
    scores.append(label);
  });
  const tags = element("fieldset");
  tags.append(element("legend", test.words.wrong));
  for (const [tag, words] of Object.entries(test.words.tags)) {
    const label = element("label"), box = element("input", "",
      { type: "checkbox", id: "tag-" + tag });
    box.onchange = () => {
      draft.tags = Object.keys(test.words.tags).filter((one) => $("tag-" + one).checked);
    };
    label.append(box, " " + words);
    tags.append(label);
  }
  votes.append(scores, tags);
  send(votes, () => ({ score: draft.score, tags: draft.tags }));
}

function send(votes, made) {
  const button = element("button", test.words.send,
    { type: "button", className: "main", id: "send" });
  button.onclick = () => answer(made());
  votes.append(button);
}

function update() { // nobody may judge what was not heard
  const now = question(), all = now.letters.every((letter) => heard.has(letter));
  document.querySelectorAll("#votes button.main").forEach((button) => {
    const rated = test.kind !== "mushra" || now.rated.every((one) => one in draft.scores);
    button.disabled = !all || !rated || (test.kind === "tag" && draft.score === null);
  });
  $("listen").hidden = all;
}

function answer(given) {
  const now = question();
  state.answers.push({
    sounds: now.sounds, answer: given, plays: player.plays,
    seconds: Math.round((performance.now() - shownAt) / 100) / 10,
  });
  keep();
  show();
}

function result() {
  return {
    format: "singwiz-listening-result", schema: 1, test: test.id, digest: test.digest,
    session: state.session, order: test.orders[state.order].order, listener: state.listener,
    started: state.started, finished: new Date().toISOString(), answers: state.answers,
  };
}

function save() {
  const data = new Blob([JSON.stringify(result(), null, 1)], { type: "application/json" });
  const link = element("a", "",
    { href: URL.createObjectURL(data), download: `${test.id}-${state.session}.json` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

document.addEventListener("keydown", (event) => {
  if (!player || event.ctrlKey || event.metaKey || event.altKey) return;
  const now = question();
  if (!now) return;
  const letter = event.key.toUpperCase();
  if (now.letters.includes(letter)) { play(letter); event.preventDefault(); return; }
  if (event.key === " ") { player.stop(); event.preventDefault(); return; }
  const vote = $("vote-" + now.rated[Number(event.key) - 1]);
  if (vote && !vote.disabled) vote.click();
});
$("begin").onclick = begin;
$("save").onclick = save;
$("again").onclick = () => { state = fresh(); keep(); location.reload(); };
$("listener").value = state.listener;
if (state.answers.length) $("begin").textContent = test.words.go_on;
