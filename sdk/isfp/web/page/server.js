// Talks to the server that this page came from.

export class ServerError extends Error {}

export async function about() {
  return answerOf(await send("api/about"));
}

/** Find a phrase in an image (a Blob); `candidates` is how many candidates to return. */
export async function find(picture, phrase, candidates) {
  const query = new URLSearchParams({ phrase, candidates });
  const headers = { "Content-Type": picture.type };
  return answerOf(await send(`api/find?${query}`, { method: "POST", headers, body: picture }));
}

async function send(...request) {
  try {
    return await fetch(...request);
  } catch {
    throw new ServerError("The server is not responding. Is isfp serve still running?");
  }
}

async function answerOf(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ServerError(answer.error ?? `The server answered ${response.status} ${response.statusText}.`);
  return answer;
}
