// Draws masks and identifying maps over a frame (a canvas).

const MASK = [247, 87, 43];
const OUTLINE = "#fff";
// matplotlib's, at eight places
const INFERNO = [
  [0, 0, 4],
  [40, 11, 84],
  [101, 21, 110],
  [159, 42, 99],
  [212, 72, 66],
  [245, 125, 21],
  [250, 193, 39],
  [252, 255, 164],
];

/** A mask's run lengths, counted down the columns and starting outside as COCO does, to a silhouette. */
export function silhouette({ size: [height, width], counts }) {
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  const [red, green, blue] = MASK;
  const colour = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0; // little-endian RGBA
  let place = 0;
  counts.forEach((count, number) => {
    if (number % 2) for (let at = place; at < place + count; at++) words[(at % height) * width + Math.floor(at / height)] = colour;
    place += count;
  });
  const canvas = surface(width, height);
  canvas.getContext("2d").putImageData(pixels, 0, 0);
  return canvas;
}

/** The frame with the silhouette tinted and outlined; `mask` null gives the frame, faded. */
export function overlay(target, frame, mask, faded) {
  const context = fitted(target, frame);
  context.drawImage(frame, 0, 0);
  if (faded) veil(context, frame, "rgba(128,128,128,.55)");
  if (!mask) return;
  context.globalAlpha = 0.45;
  context.drawImage(mask, 0, 0);
  context.globalAlpha = 1;
  const line = Math.max(1, Math.round(Math.min(frame.width, frame.height) / 240));
  context.drawImage(outline(mask, line), 0, 0);
}

/** The map's probabilities over the grey frame, its best cell framed. */
export function heatMap(target, frame, values, [x1, y1, x2, y2], cell) {
  const context = fitted(target, frame);
  const size = values.length;
  context.drawImage(frame, 0, 0);
  context.globalCompositeOperation = "saturation";
  veil(context, frame, "#808080");
  context.globalCompositeOperation = "multiply";
  veil(context, frame, "#8c8c8c");
  context.globalCompositeOperation = "source-over";
  const pixels = new ImageData(size, size);
  for (const [at, value] of values.flat().entries()) pixels.data.set([...inferno(value), 217 * Math.sqrt(value)], 4 * at);
  const small = surface(size, size);
  small.getContext("2d").putImageData(pixels, 0, 0);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, x1, y1, x2 - x1, y2 - y1);
  const [row, column] = cell;
  const [width, height] = [(x2 - x1) / size, (y2 - y1) / size];
  context.strokeStyle = OUTLINE;
  context.lineWidth = Math.max(2, Math.min(frame.width, frame.height) / 120);
  context.strokeRect(x1 + column * width, y1 + row * height, width, height);
}

function outline(mask, line) {
  const canvas = surface(mask.width, mask.height);
  const context = canvas.getContext("2d");
  const spread = (radius) => {
    for (let angle = 0; angle < 2 * Math.PI; angle += Math.PI / 8) {
      context.drawImage(mask, Math.round(radius * Math.cos(angle)), Math.round(radius * Math.sin(angle)));
    }
  };
  spread(2 * line);
  context.globalCompositeOperation = "source-in";
  veil(context, mask, OUTLINE);
  context.globalCompositeOperation = "source-over";
  spread(line);
  context.globalCompositeOperation = "destination-out";
  context.drawImage(mask, 0, 0);
  return canvas;
}

function inferno(value) {
  const at = Math.min(Math.max(value, 0), 1) * (INFERNO.length - 1);
  const low = Math.min(Math.floor(at), INFERNO.length - 2);
  return INFERNO[low].map((from, channel) => from + (INFERNO[low + 1][channel] - from) * (at - low));
}

function surface(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

function fitted(target, frame) {
  const { width, height } = frame;
  if (target.width !== width || target.height !== height) Object.assign(target, { width, height });
  const context = target.getContext("2d");
  context.clearRect(0, 0, target.width, target.height);
  return context;
}

function veil(context, { width, height }, colour) {
  context.fillStyle = colour;
  context.fillRect(0, 0, width, height);
}
