// Talks to the server that this page came from.

export class ServerError extends Error {}

export async function about() {
  return answerOf(await send("api/about"));
}

/** Find a phrase in a picture (a Blob); `candidates` is how many other meanings to look for. */
export async function find(picture, phrase, candidates) {
  const query = new URLSearchParams({ phrase, candidates });
  const headers = { "Content-Type": picture.type };
  return answerOf(await send(`api/find?${query}`, { method: "POST", headers, body: picture }));
}

async function send(...request) {
  try {
    return await fetch(...request);
  } catch {
    throw new ServerError("The server does not answer. Is isfp serve still running?");
  }
}

async function answerOf(response) {
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ServerError(answer.error ?? `The server answered ${response.status} ${response.statusText}.`);
  return answer;
}
