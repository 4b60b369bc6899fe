
// Connects the buttons of one question with the player. `element` is the component's own; while
// the page is being drawn anew it may be empty already.
const box = element.querySelector(".versions");
if (box) connect(box);

function connect(box) {
  const player = new VersionPlayer(
    JSON.parse(box.dataset.sources).map((one) => ({
      letter: one.letter,
      load: async () => {
        const answer = await fetch(one.url);
        if (!answer.ok) throw new Error("the sound could not be loaded");
        return answer.arrayBuffer();
      },
    })),
    (letter) => box.querySelectorAll("[data-play]").forEach((button) =>
      button.classList.toggle("sounding", button.dataset.play === letter))
  );
  box.querySelectorAll("[data-play]").forEach((button) => {
    button.onclick = () => player.play(button.dataset.play);
  });
  box.querySelector("[data-stop]").onclick = () => player.stop();

  const typing = (target) => target.closest("input[type=text], input[type=number], textarea");
  const onKey = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const letter = event.key.toUpperCase();
    const play = box.querySelector(`[data-play="${CSS.escape(letter)}"]`);
    const votes = [...document.querySelectorAll("[id^=a-vote_]")];
    if (play) play.click();
    else if (event.key === " ") player.stop();
    else if (votes[Number(event.key) - 1]) { player.stop(); votes[Number(event.key) - 1].click(); }
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", onKey);
  // The next question is another component: this one falls silent when it leaves the page.
  const gone = setInterval(() => {
    if (box.isConnected) return;
    clearInterval(gone);
    document.removeEventListener("keydown", onKey);
    player.close();
  }, 150);
}
