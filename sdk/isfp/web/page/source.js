// Sources of images: files and the camera. Each returns a canvas, rotated the right way up.

// Longest side that is sent, in pixels; the network's input is smaller.
const STILL = 1280;
const LIVE = 640;

export class SourceError extends Error {}

/** Read an image file that was uploaded, dropped, pasted or photographed. */
export async function fromFile(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new SourceError(
      `${file.name || "The pasted content"} is not an image that this browser can show. Use JPEG, PNG or WebP.`,
    );
  }
  const canvas = shrunk(picture, picture.width, picture.height, STILL);
  picture.close();
  return canvas;
}

/** The camera of this device; the rear one if there are several. */
export class LiveCamera {
  static async open() {
    if (!navigator.mediaDevices) {
      throw new SourceError("Browsers allow the camera only on localhost or over HTTPS. Take a photo, or upload an image.");
    }
    const wanted = { video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 } }, audio: false };
    try {
      return new LiveCamera(await navigator.mediaDevices.getUserMedia(wanted));
    } catch (error) {
      const reasons = {
        NotAllowedError: "this page is not allowed to use it",
        NotFoundError: "no camera was found",
        NotReadableError: "another program is using it",
      };
      throw new SourceError(`The camera cannot be opened: ${reasons[error.name] ?? error.message}.`);
    }
  }

  constructor(stream) {
    this.stream = stream;
    this.video = Object.assign(document.createElement("video"), { srcObject: stream, muted: true, playsInline: true });
  }

  /** The latest frame. */
  async frame() {
    if (this.video.paused) await this.video.play();
    if (this.video.requestVideoFrameCallback) await new Promise((done) => this.video.requestVideoFrameCallback(done));
    else await new Promise((done) => requestAnimationFrame(done));
    return shrunk(this.video, this.video.videoWidth, this.video.videoHeight, LIVE);
  }

  close() {
    for (const track of this.stream.getTracks()) track.stop();
  }
}

/** Encode stills without loss, and camera frames as JPEG. */
export function encoded(canvas, live) {
  return new Promise((done) => canvas.toBlob(done, live ? "image/jpeg" : "image/png", 0.9));
}

function shrunk(picture, width, height, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // behind transparent pixels
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}
