// The page: the chosen image, the typed phrase, and one request at a time for both.

import { showAnswer, showPicture, showVerdict } from "./panel.js";
import { about, find } from "./server.js";
import { encoded, fromFile, LiveCamera } from "./source.js";

const $ = (id) => document.getElementById(id);
const CANDIDATES = 3; // how many to show
const PAUSE = 350; // milliseconds to wait after a key press before asking

let frame = null; // the still image, a canvas
let camera = null;
let shown = null; // what is on the page: the frame, its answer, the chosen candidate, and the silhouettes drawn so far
let usual = 0.5; // the bundle's own threshold
let asking = false;
let again = false;
let typing = 0;

const phrase = () => $("phrase").value.trim();
const threshold = () => Number($("threshold").value);

/** Send a frame and a phrase, and show the answer. */
async function ask(picture, text, live) {
  const start = performance.now();
  const answer = await find(await encoded(picture, live), text, live ? 0 : CANDIDATES);
  if (live !== Boolean(camera) || (!live && picture !== frame)) return; // the camera was started, or the image was replaced, meanwhile
  shown = { frame: picture, answer, chosen: 0, masks: [] };
  showVerdict(shown, threshold());
  showAnswer(shown, live, performance.now() - start, (number) => {
    shown.chosen = number;
    showVerdict(shown, threshold());
  });
  tell(null);
}

/** Ask about the still image; if a request is in flight, ask once more after it. */
async function askStill() {
  clearTimeout(typing);
  if (!frame || camera) return;
  if (asking) {
    again = true;
    return;
  }
  asking = true;
  do {
    again = false;
    const [picture, text] = [frame, phrase()];
    shown = text ? shown : null;
    if (!text) showPicture(picture);
    else await ask(picture, text, false).catch((error) => fail(picture, error));
  } while (again);
  asking = false;
}

/** Show an image without an answer, and the error; null if nothing was asked. */
function fail(picture, error) {
  shown = null;
  showPicture(picture);
  tell(error);
}

async function liveLoop() {
  while (camera) {
    const own = camera;
    try {
      const picture = await own.frame();
      if (own !== camera) return;
      frame = picture;
      reveal();
      if (phrase()) await ask(picture, phrase(), true);
      else fail(picture, null);
    } catch (error) {
      tell(error);
      await new Promise((done) => setTimeout(done, 1000));
    }
  }
}

async function startCamera() {
  try {
    camera = await LiveCamera.open();
  } catch (error) {
    return tell(error);
  }
  tell(null);
  live(true);
  return liveLoop();
}

function stopCamera() {
  camera?.close();
  camera = null;
  live(false);
}

function live(on) {
  $("live").hidden = !on;
  $("camera").textContent = on ? "Stop and keep this frame" : "Start camera";
  $("camera").classList.toggle("on", on);
  $("verdict").setAttribute("aria-live", on ? "off" : "polite"); // several verdicts per second are too many to read out
}

async function take(file) {
  if (!file) return;
  stopCamera();
  try {
    frame = await fromFile(file);
    tell(null);
  } catch (error) {
    return tell(error);
  }
  shown = null;
  reveal();
  showPicture(frame);
  return askStill();
}

function reveal() {
  $("picture").hidden = false;
  $("empty").hidden = true;
  $("drop").classList.remove("empty-now");
}

/** Show an error; null hides it. */
function tell(error) {
  $("error").hidden = !error;
  $("error").textContent = error ? error.message : "";
}

for (const id of ["file", "shot"]) {
  $(id).addEventListener("change", (event) => {
    take(event.target.files[0]);
    event.target.value = ""; // so that the same file can be chosen again
  });
}
$("camera").addEventListener("click", () => {
  if (!camera) return startCamera();
  stopCamera();
  return askStill();
});
$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!frame) tell(new Error("There is no image yet. Upload one, take a photo, or start the camera."));
  askStill();
});
$("phrase").addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(askStill, PAUSE);
});
$("threshold").addEventListener("input", () => showVerdict(shown, threshold()));
$("reset").addEventListener("click", () => {
  $("threshold").value = usual;
  showVerdict(shown, threshold());
});
addEventListener("paste", (event) => take([...event.clipboardData.files].find((file) => file.type.startsWith("image/"))));
for (const kind of ["dragover", "dragleave", "drop"]) {
  addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop") take(event.dataTransfer.files[0]);
  });
}

$("drop").classList.add("empty-now");
$("photo").hidden = !matchMedia("(pointer: coarse)").matches; // only touch devices open the camera for it
about()
  .then(({ name, threshold: own, grid, view, runtime }) => {
    usual = own;
    $("threshold").value = own;
    const more = ` on ${runtime}, input ${view.join(" × ")} pixels, ${grid} × ${grid} cells`;
    $("about").textContent = name;
    $("about").append(Object.assign(document.createElement("span"), { className: "more", textContent: more }));
    showVerdict(shown, threshold());
  })
  .catch(tell);
