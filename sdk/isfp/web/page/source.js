// Where pictures come from: files and the camera. Each gives a canvas, already turned the right way up.

const STILL = 1280, LIVE = 640; // longest side that is sent, pixels; the network looks at less

export class SourceError extends Error {}

/** Read a picture file that was chosen, dropped, pasted or photographed. */
export async function fromFile(file) {
  let picture;
  try {
    picture = await createImageBitmap(file);
  } catch {
    throw new SourceError(`${file.name || "What was pasted"} is no picture that this browser can show. Use JPEG, PNG or WebP.`);
  }
  const canvas = shrunk(picture, picture.width, picture.height, STILL);
  picture.close();
  return canvas;
}

/** The camera of this device, the one on the back where there are several. */
export class LiveCamera {
  static async open() {
    if (!navigator.mediaDevices) {
      throw new SourceError("Browsers give a page the camera only at localhost or over HTTPS. Take a photo or choose a picture.");
    }
    const wanted = { video: { facingMode: { ideal: "environment" }, width: { ideal: 1280 } }, audio: false };
    try {
      return new LiveCamera(await navigator.mediaDevices.getUserMedia(wanted));
    } catch (error) {
      const reasons = {
        NotAllowedError: "this page may not use it",
        NotFoundError: "there is none",
        NotReadableError: "another program holds it",
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
    this.stream.getTracks().forEach((track) => track.stop());
  }
}

/** Stills go as they are, frames as JPEG. */
export function encoded(canvas, live) {
  return new Promise((done) => canvas.toBlob(done, live ? "image/jpeg" : "image/png", 0.9));
}

function shrunk(picture, width, height, longest) {
  const scale = Math.min(1, longest / Math.max(width, height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // under what is transparent
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}
