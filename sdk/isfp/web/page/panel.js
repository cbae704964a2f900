// Shows an answer: verdict, score, candidates, identifying map, milliseconds.

import { heatMap, overlay, silhouette } from "./draw.js";

const $ = (id) => document.getElementById(id);
const NAMES = { frame: "letterbox" }; // the other steps keep their names

const REFUSED = ["no_known_word", "no_known_noun", "frame_without_contrast"]; // reasons that count whatever the score is

/** Whether an object counts as found at this threshold. */
const isFound = ({ box, score }, threshold) => box !== null && score >= threshold;

/** Draw the image, and show the verdict for the `chosen` candidate of the shown answer. */
export function showVerdict(shown, threshold) {
  $("tick").style.left = `${100 * threshold}%`;
  $("level").textContent = threshold.toFixed(2);
  if (!shown) return;
  const { frame, answer, chosen, masks } = shown;
  const { result, candidates } = answer;
  const object = candidates[chosen] ?? result;
  const found = !REFUSED.includes(result.reason) && isFound(object, threshold);
  if (found) masks[chosen] ??= silhouette(object.mask);
  overlay($("picture"), frame, found ? masks[chosen] : null, !found);
  const verdict = found ? (chosen ? "Candidate" : "Found") : "Not there";
  $("verdict").textContent = `${verdict}, ${object.score.toFixed(2)}`;
  $("answer").dataset.verdict = found ? "good" : "bad";
  $("fill").style.width = `${100 * object.score}%`;
  $("bar").setAttribute("aria-valuenow", object.score.toFixed(2));
  const seen = found ? `with the mask of ${result.text}` : `without ${result.text}`;
  $("picture").setAttribute("aria-label", `The image, ${seen}`);
  const [x1, y1, x2, y2] = object.box ?? [];
  const details = found ? [`${object.pixels.toLocaleString()} pixels, box ${x1}, ${y1} to ${x2}, ${y2}`] : [];
  $("details").textContent = [...details, ...result.notes].join("; ");
}

/** Show everything about a new answer except the verdict. */
export function showAnswer(shown, live, roundTrip, onChoice) {
  const { frame, answer } = shown;
  const { result, identifying_map: map, map_box: box } = answer;
  heatMap($("map"), frame, map, box, result.cell);
  $("map").setAttribute("aria-label", `Identifying map: best cell in row ${result.cell[0] + 1}, column ${result.cell[1] + 1}`);
  $("cells").textContent = `${map.length} × ${map.length} cells, best ${result.score.toFixed(2)}`;
  showChoices(shown, live, onChoice);
  showTimes(result.milliseconds, roundTrip, live);
}

function showChoices({ frame, answer: { candidates }, masks }, live, onChoice) {
  const note = made("p", { className: "muted", textContent: "Only for still images: stop the camera to see them." });
  $("choices").replaceChildren(
    ...(live
      ? [note]
      : candidates.map((candidate, number) => {
          const label = made("label");
          const picture = made("canvas");
          const input = made("input", { type: "radio", name: "candidate", value: number, checked: !number });
          const score = made("span", { textContent: candidate.score.toFixed(2) });
          input.setAttribute("aria-label", `Candidate ${number + 1}, score ${candidate.score.toFixed(2)}`);
          picture.setAttribute("aria-hidden", "true");
          masks[number] ??= silhouette(candidate.mask);
          overlay(picture, frame, masks[number], false);
          input.addEventListener("change", () => onChoice(number));
          label.append(input, picture, score);
          return label;
        })),
  );
}

function showTimes(milliseconds, roundTrip, live) {
  const steps = Object.entries(milliseconds).filter(([step]) => step !== "total");
  const longest = Math.max(...steps.map(([, time]) => time));
  const row = (name, time, share, kind) => {
    const tr = made("tr", { className: kind });
    const bar = made("td");
    if (share) bar.append(made("i", { style: `width: ${Math.max(1, 100 * share)}%` }));
    tr.append(made("td", { textContent: name }), bar, made("td", { textContent: time.toFixed(1) }));
    return tr;
  };
  $("times").replaceChildren(
    ...steps.map(([step, time]) => row(NAMES[step] ?? step, time, time / longest, "")),
    row("total", milliseconds.total, null, "sum"),
    row("round trip", roundTrip, null, ""),
  );
  $("rate").textContent = live ? `${(1000 / roundTrip).toFixed(0)} frames per second` : "";
}

/** Show an image without an answer. */
export function showPicture(frame) {
  $("verdict").textContent = "No phrase yet";
  delete $("answer").dataset.verdict;
  $("fill").style.width = 0;
  $("bar").setAttribute("aria-valuenow", 0);
  for (const id of ["details", "cells", "rate"]) $(id).textContent = "";
  for (const id of ["choices", "times"]) $(id).replaceChildren();
  $("map").width = $("map").width; // clears the canvas
  $("map").setAttribute("aria-label", "No identifying map yet");
  overlay($("picture"), frame, null, false);
  $("picture").setAttribute("aria-label", "The image");
}

function made(tag, properties = {}) {
  return Object.assign(document.createElement(tag), properties);
}
